// SPDX-License-Identifier: BSD-3-Clause

// What part of the trace is on the screen: a window of time and a list of rows.

const leastSpan = 20;  // nanoseconds

export class View {
  constructor(trace, tree) {
    this.trace = trace;
    this.tree = tree;
    const margin = (trace.finish - trace.start) * 0.01;
    this.limits = [trace.start - margin, trace.finish + margin];
    [this.start, this.end] = this.limits;
    this.width = 1;
    this.height = 1;
    this.scroll = 0;
    this.rowHeight = 20;
    this.closed = new Set();
    this.hiddenActors = null;  // one byte an actor, 1: no row
    this.listRows();
  }

  get span() { return this.end - this.start; }
  get scale() { return this.width / this.span; }
  x(time) { return (time - this.start) * this.scale; }
  time(x) { return this.start + x / this.scale; }

  show(start, end) {
    const [first, last] = this.limits;
    const span = Math.min(Math.max(end - start, leastSpan), last - first);
    const middle = (start + end) / 2;
    this.start = Math.min(Math.max(middle - span / 2, first), last - span);
    this.end = this.start + span;
  }
  fit() { this.show(...this.limits); }
  pan(time) { this.show(this.start + time, this.end + time); }
  /** A factor below 1 shows more detail around the moment at x. */
  zoom(factor, x = this.width / 2) {
    const fixed = this.time(x);
    const span = Math.min(Math.max(this.span * factor, leastSpan), this.limits[1] - this.limits[0]);
    const start = fixed - span * (x / this.width);
    this.show(start, start + span);
  }

  /** The rows from the top: an actor each, parents before their children. */
  listRows() {
    this.rows = [];
    this.rowOf = new Int32Array(this.trace.actors.length).fill(-1);
    const add = (actor) => {
      if (!this.hiddenActors?.[actor]) {
        this.rowOf[actor] = this.rows.length;
        this.rows.push(actor);
      }
      if (this.closed.has(actor)) this.hideBelow(actor, this.rowOf[actor]);
      else this.tree.children[actor].forEach(add);
    };
    this.tree.roots.forEach(add);
  }
  /** Actors below a closed one share its row. */
  hideBelow(actor, row) {
    for (const child of this.tree.children[actor]) {
      this.rowOf[child] = row;
      this.hideBelow(child, row);
    }
  }

  toggle(actor, open = this.closed.has(actor)) {
    if (open) this.closed.delete(actor);
    else this.closed.add(actor);
    this.listRows();
  }
  /** Opens what is above an actor, so that it has a row of its own. */
  reveal(actor) {
    for (let a = this.tree.parent[actor]; a; a = this.tree.parent[a]) this.closed.delete(a);
    if (this.hiddenActors) this.hiddenActors[actor] = 0;
    this.listRows();
  }

  get contentHeight() { return this.rows.length * this.rowHeight; }
  get firstRow() { return Math.max(0, Math.floor(this.scroll / this.rowHeight)); }
  get lastRow() {
    return Math.min(this.rows.length, Math.ceil((this.scroll + this.height) / this.rowHeight));
  }
  top(row) { return row * this.rowHeight - this.scroll; }
  middle(actor) { return this.top(this.rowOf[actor]) + this.rowHeight / 2; }
}

/** Round moments for an axis, about `wanted` of them: {first, step}. */
export function ticks(start, end, wanted) {
  const rough = (end - start) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  return {first: Math.ceil(start / step) * step, step};
}
