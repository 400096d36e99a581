// SPDX-License-Identifier: BSD-3-Clause

// Draws the lanes. Slices too small to see one by one are drawn two pixels at a time, as dense
// as the actor was busy; where there are many messages only every 2nd, 4th, ... arrow is drawn.
// So a frame costs what the screen has, not what the trace has.
import {Kind} from './data.js';
import {boundariesBetween, gallop, lowerBound} from './lanes.js';
import {Pixels} from './pixels.js';

const arrowLimit = 700;
const markLimit = 1500;
const chainLimit = 2000;
const densities = [0.45, 0.6, 0.75, 0.9, 1];

/** Rectangles by colour: setting a colour costs more than drawing with it. */
class Rectangles {
  constructor() { this.lists = new Map(); }
  add(colour, alpha, x, y, width, height) {
    const key = `${colour}|${alpha}`;
    let list = this.lists.get(key);
    if (!list) this.lists.set(key, list = {colour, alpha, at: []});
    list.at.push(x, y, width, height);
  }
  draw(context) {
    for (const {colour, alpha, at} of this.lists.values()) {
      context.fillStyle = colour;
      context.globalAlpha = alpha;
      for (let i = 0; i < at.length; i += 4) context.fillRect(at[i], at[i + 1], at[i + 2], at[i + 3]);
    }
    context.globalAlpha = 1;
  }
}

/**
 * scene: trace, layout (arrange), view, colours, lit (litSlices), arrows (litArrows), passes, past and cut
 * (pastSlices), chain (begin events and messages that led to the selected event, the latest
 * first), selected, hoverRow, broken (events of violations). Returns one in how many arrows is
 * drawn.
 */
export function drawLanes(context, scene) {
  const {view, colours} = scene;
  context.fillStyle = colours.page;
  context.fillRect(0, 0, view.width, view.height);
  drawRows(context, scene);
  drawBoundaries(context, scene);
  const labels = drawSlices(context, scene);
  const arrowEvery = drawArrows(context, scene);
  drawLabels(context, scene, labels);
  drawMarks(context, scene);
  drawChain(context, scene);
  drawBroken(context, scene);
  drawSelected(context, scene);
  return arrowEvery;
}

function drawRows(context, {trace, view, colours, hoverRow, selectedActor}) {
  for (let row = view.firstRow; row < view.lastRow; ++row) {
    const actor = view.rows[row];
    const top = view.top(row);
    if (row === hoverRow || actor === selectedActor) {
      context.fillStyle = colours.row;
      context.fillRect(0, top, view.width, view.rowHeight);
    }
    const {spawned, exited} = trace.actors[actor];
    const from = spawned ? Math.max(0, view.x(trace.time[spawned])) : 0;
    const to = exited ? Math.min(view.width, view.x(trace.time[exited])) : view.width;
    context.fillStyle = colours.life;
    if (to > from) context.fillRect(from, Math.round(top + view.rowHeight / 2), to - from, 1);
  }
}

function drawBoundaries(context, {layout, view, colours}) {
  const lines = (list, [first, last], colour, alpha) => {
    context.fillStyle = colour;
    context.globalAlpha = alpha;
    for (let i = first; i < last; ++i) {
      context.fillRect(Math.round(view.x(list[i].time)), 0, 1, view.height);
    }
    context.globalAlpha = 1;
  };
  const steps = boundariesBetween(layout.steps, view.start, view.end);
  const epochs = boundariesBetween(layout.epochs, view.start, view.end);
  if (steps[1] - steps[0] < view.width / 40) lines(layout.steps, steps, colours.line, 1);
  if (epochs[1] - epochs[0] < view.width / 4) lines(layout.epochs, epochs, colours.muted, 0.5);
}

const imagesOfCanvases = new WeakMap();

/** The empty image that belongs to a context's canvas. */
function pixelsOf({canvas}, view) {
  if (!imagesOfCanvases.has(canvas)) imagesOfCanvases.set(canvas, new Pixels());
  const pixels = imagesOfCanvases.get(canvas);
  pixels.begin(view.width, view.height);
  return pixels;
}

/** Returns the slices that are wide enough for a label: x, middle, width and event of each. */
function drawSlices(context, {trace, layout, view, colours, lit, cut}) {
  const {slices} = layout;
  const rectangles = new Rectangles();
  const pixels = pixelsOf(context, view);
  const labels = [];
  const bucket = 2 / view.scale;
  const inset = view.rowHeight >= 14 ? 2 : view.rowHeight >= 8 ? 1 : 0;
  const height = view.rowHeight - Math.max(1, 2 * inset);
  const drawLane = (actor, y) => {
    const end = slices.first[actor + 1];
    const past = cut ? cut[actor] : end;  // slices from here on are not in the selected event's past
    let s = lowerBound(slices.end, view.start, slices.first[actor], end);
    while (s < end && slices.start[s] < view.end) {
      const wide = (slices.end[s] - slices.start[s]) * view.scale >= 2;
      if (wide) {
        const x = Math.max(-4, view.x(slices.start[s]));
        const width = Math.min(view.x(slices.end[s]), view.width + 4) - x;
        const event = slices.event[s];
        if (lit.lit[s] && s < past) {
          rectangles.add(colours.type[trace.type[event]], 1, x, y, Math.max(1, width - 0.5), height);
          if (width > 34 && height >= 11) labels.push(x, y + height / 2, width, event);
        } else {
          rectangles.add(colours.faint, 1, x, y, Math.max(1, width - 0.5), height);
        }
        ++s;
        continue;
      }
      // Buckets begin at multiples of their length, so that they keep still while panning.
      const begin = Math.floor(slices.start[s] / bucket) * bucket;
      const next = gallop(slices.start, begin + bucket, s + 1, end);
      const last = Math.min(next, past);
      const count = last > s ? lit.count[last] - lit.count[s] : 0;
      const x = Math.round(view.x(begin));  // whole pixels are drawn faster
      if (count) {
        const shown = lit.lit[s] ? s : lowerBound(lit.count, lit.count[s] + 1, s, next + 1) - 1;
        const busy = Math.min(1, (lit.busy[last] - lit.busy[s]) / bucket);
        const density = densities[Math.min(4, Math.ceil(busy * 4))];
        pixels.fill(colours.type[trace.type[slices.event[shown]]], density, x, y, 2, height);
      } else {
        pixels.fill(colours.faint, 1, x, y, 2, height);
      }
      s = next;
    }
  };
  const drawBelow = (actor, y) => {
    for (const child of layout.tree.children[actor]) {
      drawLane(child, y);
      drawBelow(child, y);
    }
  };
  for (let row = view.firstRow; row < view.lastRow; ++row) {
    const actor = view.rows[row];
    const y = Math.round(view.top(row)) + inset;
    if (view.closed.has(actor)) drawBelow(actor, y);
    drawLane(actor, y);
  }
  pixels.draw(context);
  rectangles.draw(context);
  return labels;
}

const textWidths = new Map();

function drawLabels(context, {trace, colours}, labels) {
  context.fillStyle = colours.slice_text;
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  for (let i = 0; i < labels.length; i += 4) {
    const x = Math.max(0, labels[i]) + 4;
    const space = labels[i] + labels[i + 2] - x - 4;
    let text = trace.names[trace.type[labels[i + 3]]].text;
    let width = textWidths.get(text);
    if (width === undefined) textWidths.set(text, width = context.measureText(text).width);
    if (width > space) {
      const kept = Math.floor(text.length * space / width) - 1;
      if (kept < 3) continue;
      text = `${text.slice(0, kept)}…`;
    }
    context.fillText(text, x, labels[i + 1] + 0.5);
  }
}

function drawArrows(context, {trace, arrows, view, colours, past}) {
  const low = lowerBound(arrows.reach, view.start, 0, arrows.message.length);
  const high = lowerBound(arrows.from, view.end, low, arrows.message.length);
  const top = view.firstRow;
  const bottom = view.lastRow;
  const visible = [];
  // Looking at every arrow would cost what the trace has: look at so many at most.
  let stride = 1;
  while ((high - low) / stride > 20 * arrowLimit) stride *= 2;
  for (let i = Math.ceil(low / stride) * stride; i < high; i += stride) {
    if (arrows.to[i] < view.start) continue;
    const m = arrows.message[i];
    const send = trace.sent[m];
    if (past && send > past[trace.actor[send]]) continue;
    const from = view.rowOf[trace.actor[send]];
    const to = view.rowOf[trace.peer[send]];
    if (from < 0 || to < 0 || from === to) continue;
    if ((from < top && to < top) || (from >= bottom && to >= bottom)) continue;
    visible.push(i);
  }
  let thin = 1;
  while (visible.length / thin > arrowLimit) thin *= 2;
  context.strokeStyle = colours.arrow;
  context.lineWidth = 1;
  const heads = thin === 1 && visible.length < 250;
  let drawn = 0;
  context.globalAlpha = thin * stride > 1 ? 0.6 : 1;  // a sample is a background
  context.beginPath();
  for (const i of visible) {
    if ((i / stride) % thin !== 0) continue;
    const send = trace.sent[arrows.message[i]];
    const x0 = view.x(arrows.from[i]);
    const x1 = view.x(arrows.to[i]);
    const y0 = view.middle(trace.actor[send]);
    const y1 = view.middle(trace.peer[send]);
    addArrow(context, x0, y0, x1, y1, heads ? 5 : 0);
    if (++drawn % 64 === 0) {  // many short paths are drawn faster than a long one
      context.stroke();
      context.beginPath();
    }
  }
  context.stroke();
  context.globalAlpha = 1;
  return thin * stride;
}

/** A line cut to the screen's surroundings, with a head at its end if that is wanted. */
function addArrow(context, x0, y0, x1, y1, head) {
  const far = 4000;
  if (x0 < -far && x1 > x0) {
    y0 += (y1 - y0) * (-far - x0) / (x1 - x0);
    x0 = -far;
  }
  if (x1 > far + 4000 && x1 > x0) {
    y1 = y0 + (y1 - y0) * (far + 4000 - x0) / (x1 - x0);
    x1 = far + 4000;
  }
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  if (!head) return;
  const angle = Math.atan2(y1 - y0, x1 - x0);
  for (const turn of [2.7, -2.7]) {
    context.moveTo(x1, y1);
    context.lineTo(x1 + head * Math.cos(angle + turn), y1 + head * Math.sin(angle + turn));
  }
}

const markShapes = {
  [Kind.spawn]: (c, x, y) => { c.arc(x, y, 3, 0, 7); },
  [Kind.drop]: (c, x, y) => { c.moveTo(x - 3, y - 3); c.lineTo(x + 3, y + 3); c.moveTo(x + 3, y - 3); c.lineTo(x - 3, y + 3); },
  [Kind.timer]: (c, x, y) => { c.rect(x - 2.5, y - 2.5, 5, 5); },
  [Kind.state]: (c, x, y) => { c.moveTo(x, y - 4); c.lineTo(x + 4, y); c.lineTo(x, y + 4); c.lineTo(x - 4, y); c.closePath(); },
  [Kind.exit]: (c, x, y) => { c.moveTo(x, y - 6); c.lineTo(x, y + 6); },
  [Kind.note]: (c, x, y) => { c.moveTo(x, y - 4); c.lineTo(x + 4, y + 3); c.lineTo(x - 4, y + 3); c.closePath(); },
};

function drawMarks(context, {trace, layout, view, colours, passes, past}) {
  if (view.rowHeight < 14) return;
  const {marks} = layout;
  let left = markLimit;
  for (let row = view.firstRow; row < view.lastRow && left > 0; ++row) {
    const actor = view.rows[row];
    const end = marks.first[actor + 1];
    let i = lowerBound(marks.time, view.start, marks.first[actor], end);
    let before = -Infinity;
    for (; i < end && marks.time[i] < view.end && left > 0; ++i) {
      const event = marks.event[i];
      if ((passes && !passes[event]) || (past && event > past[actor])) continue;
      const x = view.x(marks.time[i]);
      const bad = trace.kind[event] === Kind.drop || trace.kind[event] === Kind.note;
      if (x - before < (bad ? 3 : 12)) continue;  // marks would hide one another, and the slices
      before = x;
      --left;
      context.beginPath();
      markShapes[trace.kind[event]]?.(context, x, view.top(row) + view.rowHeight / 2);
      context.strokeStyle = bad ? colours.danger : colours.text;
      context.fillStyle = colours.page;
      context.lineWidth = bad ? 1.75 : 1.25;
      context.fill();
      context.stroke();
    }
  }
}

/** Events of the chain in the window and those next to it, at most a few thousand of them. */
function chainInView({trace, view}, chain) {
  // The chain goes back in time.
  const indexAt = (time) => {
    let low = 0;
    let high = chain.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (trace.time[chain[middle]] > time) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const first = Math.max(0, indexAt(view.end) - 2);
  const last = Math.min(chain.length, indexAt(view.start) + 2);
  const stride = Math.ceil((last - first) / chainLimit);
  return chain.slice(first, last).filter((_, i) => Math.floor(i / 2) % stride === 0);
}

function drawChain(context, scene) {
  const {trace, view, colours, chain} = scene;
  if (!chain) return;
  context.strokeStyle = colours.accent;
  context.lineWidth = 2;
  context.beginPath();
  for (const event of chainInView(scene, chain)) {
    if (trace.kind[event] !== Kind.send) continue;
    const arrival = trace.begun[trace.message[event]] || trace.dropped[trace.message[event]];
    if (!arrival || view.rowOf[trace.actor[event]] < 0 || view.rowOf[trace.peer[event]] < 0) continue;
    addArrow(context, view.x(trace.time[event]), view.middle(trace.actor[event]),
      view.x(trace.time[arrival]), view.middle(trace.peer[event]), 8);
  }
  context.stroke();
}

/** The slice's rectangle in which an event shows, or a small one around its mark. */
export function placeOf(trace, layout, view, event) {
  const row = view.rowOf[trace.actor[event]];
  if (row < 0) return null;
  const begin = trace.kind[event] === Kind.end ? trace.begun[trace.message[event]] : event;
  const slice = layout.slices.ofBegin[begin];
  const y = view.top(row);
  if (!slice) return {x: view.x(trace.time[event]) - 6, y, width: 12, height: view.rowHeight};
  const x = view.x(layout.slices.start[slice - 1]);
  return {x, y, width: Math.max(3, view.x(layout.slices.end[slice - 1]) - x), height: view.rowHeight};
}

function outline(context, view, {x, y, width, height}) {
  const from = Math.max(-10, x);
  const to = Math.min(view.width + 10, x + width);
  if (to > from) context.strokeRect(from, y + 1, to - from, height - 2);
}

function drawBroken(context, {trace, layout, view, colours, broken}) {
  context.strokeStyle = colours.danger;
  context.fillStyle = colours.danger;
  context.lineWidth = 2;
  for (const event of broken) {
    const place = placeOf(trace, layout, view, event);
    if (!place || place.y > view.height || place.y + place.height < 0) continue;
    if (place.x > view.width || place.x + place.width < 0) continue;
    outline(context, view, place);
    const x = Math.max(5, place.x);
    context.beginPath();  // a flag that shows where the outline is too small
    context.moveTo(x, place.y + 3);
    context.lineTo(x - 5, place.y - 6);
    context.lineTo(x + 5, place.y - 6);
    context.fill();
  }
}

function drawSelected(context, scene) {
  const {trace, layout, view, colours, chain, selected} = scene;
  if (!selected) return;
  context.strokeStyle = colours.accent;
  context.lineWidth = 1.5;
  for (const event of chain ? chainInView(scene, chain) : []) {
    const place = trace.kind[event] === Kind.begin && placeOf(trace, layout, view, event);
    if (place) outline(context, view, place);
  }
  const place = placeOf(trace, layout, view, selected);
  context.lineWidth = 3;
  if (place) outline(context, view, place);
}
