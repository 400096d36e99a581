// SPDX-License-Identifier: BSD-3-Clause

// The tree of actors at the left: one row a lane, with its load in the window. Only rows on the
// screen are elements of the document.
import {busyTime, handledCount} from './lanes.js';
import {actorName, duration, plural, thousands} from './words.js';

/**
 * Loads in the window for all actors: [time or count, the most of any actor of its kind]. A
 * bar compares an actor with others of its kind: spheres with spheres, lanes with lanes.
 */
function loadsOf(trace, slices, view, measure) {
  const from = Math.max(view.start, trace.start);
  const to = Math.min(view.end, trace.finish);
  const load = new Float64Array(trace.actors.length);
  const most = new Map();
  const members = new Map();
  const of = measure === 'time' ? busyTime : handledCount;
  for (let a = 1; a < load.length; ++a) {
    load[a] = of(slices, a, from, to);
    const {name} = trace.actors[a];
    most.set(name, Math.max(most.get(name) ?? 0, load[a]));
    members.set(name, (members.get(name) ?? 0) + 1);
  }
  return {load, most, members};
}

export class Tree {
  /** `on` has select(actor) and toggle(actor, open). */
  constructor(element, trace, layout, view, on) {
    Object.assign(this, {element, trace, layout, view, on});
    this.measure = 'time';
    this.current = view.rows[0] ?? 0;
    this.pool = [];
    this.loads = null;
    this.loadsFor = '';
    element.addEventListener('click', (event) => this.clicked(event));
    element.addEventListener('keydown', (event) => this.pressed(event));
    element.addEventListener('mouseover', (event) => this.entitle(event.target.closest('[data-actor]')));
  }

  /** The words for a row are made when somebody points at it, not for every frame. */
  entitle(row) {
    if (!row) return;
    const actor = Number(row.dataset.actor);
    const amount = this.rowLoad(actor, this.loadsInWindow().load);
    const what = this.measure === 'time' ? `${duration(amount)} handling messages`
      : `${plural(amount, 'message')} handled`;
    row.title = `${actorName(this.trace, actor)}: ${what} in the window`;
  }

  clicked(event) {
    const row = event.target.closest('[data-actor]');
    if (!row) return;
    const actor = Number(row.dataset.actor);
    this.current = actor;
    if (event.target.closest('.twist') && this.layout.tree.children[actor].length) {
      this.on.toggle(actor);
    } else {
      this.on.select(actor);
    }
  }

  pressed(event) {
    const {view, layout} = this;
    const row = view.rowOf[this.current];
    const hasChildren = layout.tree.children[this.current].length > 0;
    const isClosed = view.closed.has(this.current);
    if (event.key === 'ArrowDown') this.move(row + 1);
    else if (event.key === 'ArrowUp') this.move(row - 1);
    else if (event.key === 'Home') this.move(0);
    else if (event.key === 'End') this.move(view.rows.length - 1);
    else if (event.key === 'ArrowRight' && hasChildren && isClosed) this.on.toggle(this.current, true);
    else if (event.key === 'ArrowRight') this.move(row + 1);
    else if (event.key === 'ArrowLeft' && hasChildren && !isClosed) this.on.toggle(this.current, false);
    else if (event.key === 'ArrowLeft') this.move(view.rowOf[layout.tree.parent[this.current]]);
    else if (event.key === 'Enter' || event.key === ' ') this.on.select(this.current);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  move(row) {
    if (row < 0 || row >= this.view.rows.length) return;
    this.current = this.view.rows[row];
    this.on.reveal(row);
  }

  loadsInWindow() {
    const {view} = this;
    const key = `${view.start} ${view.end} ${this.measure}`;
    if (key !== this.loadsFor) {
      this.loads = loadsOf(this.trace, this.layout.slices, view, this.measure);
      this.loadsFor = key;
    }
    return this.loads;
  }

  /** The load of an actor's row: with all below it while it is closed. */
  rowLoad(actor, load) {
    if (!this.view.closed.has(actor)) return load[actor];
    const below = (a) => this.layout.tree.children[a].reduce((sum, c) => sum + below(c), load[a]);
    return below(actor);
  }

  row(index) {
    if (this.pool[index]) return this.pool[index];
    const row = document.createElement('div');
    row.className = 'actor';
    row.setAttribute('role', 'treeitem');
    row.innerHTML = '<span class="twist" aria-hidden="true"></span><span class="name"></span>' +
      '<span class="load"><span class="bar"></span><span class="amount"></span></span>';
    this.element.append(row);
    return this.pool[index] = row;
  }

  render(selectedActor) {
    const {view, trace, layout} = this;
    const {load, most, members} = this.loadsInWindow();
    const count = view.lastRow - view.firstRow;
    const isSmall = view.rowHeight < 14;
    let labelled = -Infinity;  // where the last name stands: low lanes have room for few names
    this.element.classList.toggle('small', isSmall);
    for (let i = 0; i < count; ++i) {
      const index = view.firstRow + i;
      const actor = view.rows[index];
      const row = this.row(i);
      const [twist, name, bars] = row.children;
      const isClosed = view.closed.has(actor);
      const hasChildren = layout.tree.children[actor].length > 0;
      row.hidden = false;
      const hasName = !isSmall || (hasChildren && view.top(index) - labelled >= 13);
      if (hasName) labelled = view.top(index);
      row.classList.toggle('nameless', !hasName);
      row.style.transform = `translateY(${view.top(index)}px)`;
      row.style.height = `${view.rowHeight}px`;
      row.style.setProperty('--depth', layout.tree.depth[actor]);
      if (row.dataset.actor !== String(actor)) {
        row.dataset.actor = actor;
        row.id = `actor-${actor}`;
        name.textContent = actorName(trace, actor);
        row.setAttribute('aria-level', layout.tree.depth[actor] + 1);
      }
      const sign = hasChildren ? (isClosed ? '▸' : '▾') : '';
      if (twist.textContent !== sign) twist.textContent = sign;
      if (hasChildren) row.setAttribute('aria-expanded', String(!isClosed));
      else row.removeAttribute('aria-expanded');
      row.setAttribute('aria-selected', String(actor === selectedActor));
      row.classList.toggle('current', actor === this.current);

      const amount = isSmall ? 0 : this.rowLoad(actor, load);
      const text = amount === 0 ? '' : this.measure === 'time' ? duration(amount) : thousands(amount);
      if (bars.lastChild.textContent !== text) bars.lastChild.textContent = text;
      const kind = trace.actors[actor].name;
      const share = isClosed || !(members.get(kind) > 1) ? 0 : load[actor] / (most.get(kind) || 1);
      bars.firstChild.style.transform = `scaleX(${share.toFixed(3)})`;
    }
    for (let i = count; i < this.pool.length; ++i) this.pool[i].hidden = true;
    this.element.setAttribute('aria-activedescendant', `actor-${this.current}`);
  }
}
