// SPDX-License-Identifier: BSD-3-Clause

// Mouse, touch and keys on the lanes, the axis and the strip.
import {gallop, lowerBound} from './lanes.js';

/** The event shown at a point of the lanes, or 0. */
export function eventAt(scene, x, y) {
  const {layout, view} = scene;
  const row = Math.floor((y + view.scroll) / view.rowHeight);
  if (row < 0 || row >= view.rows.length) return 0;
  const {slices, marks} = layout;
  const reach = 5 / view.scale;
  const time = view.time(x);
  let best = 0;
  let distance = Infinity;
  const offer = (event, away) => {
    if (away < distance) {
      best = event;
      distance = away;
    }
  };
  const lookAt = (actor) => {
    for (let i = lowerBound(marks.time, time - reach, marks.first[actor], marks.first[actor + 1]);
      i < marks.first[actor + 1] && marks.time[i] <= time + reach; ++i) {
      if (view.rowHeight >= 14) offer(marks.event[i], Math.abs(marks.time[i] - time));
    }
    const end = slices.first[actor + 1];
    let s = lowerBound(slices.end, time - reach, slices.first[actor], end);
    for (; s < end && slices.start[s] <= time + reach; ++s) {
      const inside = slices.start[s] <= time && time <= slices.end[s];
      const away = Math.min(Math.abs(slices.start[s] - time), Math.abs(slices.end[s] - time));
      // Inside a slice its marks win only if they are nearer than its edges.
      offer(slices.event[s], inside ? reach * 0.6 : reach + away);
      if (slices.start[s] > time) break;
      s = Math.max(s, gallop(slices.end, time, s, end) - 1);
    }
  };
  const actor = view.rows[row];
  if (view.closed.has(actor)) {
    const below = (a) => { lookAt(a); layout.tree.children[a].forEach(below); };
    below(actor);
  } else {
    lookAt(actor);
  }
  return best || arrowAt(scene, x, y);
}

/** The sending of the message whose arrow passes a point. Only where arrows stand apart. */
function arrowAt({trace, arrows, view}, x, y) {
  const low = lowerBound(arrows.reach, view.start, 0, arrows.message.length);
  const high = lowerBound(arrows.from, view.end, low, arrows.message.length);
  if (high - low > 2000) return 0;
  let best = 0;
  let distance = 4;
  for (let i = low; i < high; ++i) {
    const send = trace.sent[arrows.message[i]];
    if (view.rowOf[trace.actor[send]] < 0 || view.rowOf[trace.peer[send]] < 0) continue;
    const x0 = view.x(arrows.from[i]);
    const y0 = view.middle(trace.actor[send]);
    const dx = view.x(arrows.to[i]) - x0;
    const dy = view.middle(trace.peer[send]) - y0;
    const length = dx * dx + dy * dy;
    const along = length ? Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / length)) : 0;
    const away = Math.hypot(x0 + along * dx - x, y0 + along * dy - y);
    if (away < distance) {
      distance = away;
      best = send;
    }
  }
  return best;
}

/**
 * Dragging moves, a click selects, Ctrl and wheel or two fingers zoom; `on` has changed(),
 * scrollTo(y), click(x, y), hover(x, y) and focus(event).
 */
export function listenToLanes(canvas, view, on) {
  const pointers = new Map();
  let moved = 0;
  let pinch = 0;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    moved = pointers.size > 1 ? Infinity : 0;
    pinch = 0;
  });
  canvas.addEventListener('pointermove', (event) => {
    const [x, y] = at(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      on.hover(x, y);
      return;
    }
    pointers.set(event.pointerId, [x, y]);
    if (pointers.size === 2) {
      const [[x0], [x1]] = [...pointers.values()];
      const distance = Math.max(20, Math.abs(x1 - x0));
      if (pinch) view.zoom(pinch / distance, (x0 + x1) / 2);
      pinch = distance;
    } else {
      moved += Math.abs(x - before[0]) + Math.abs(y - before[1]);
      if (moved < 4) return;
      canvas.classList.add('dragged');
      view.pan((before[0] - x) / view.scale);
      on.scrollTo(view.scroll + before[1] - y);
    }
    on.changed();
  });
  const release = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    canvas.classList.remove('dragged');
    if (event.type === 'pointerup' && moved < 4) on.click(...at(event));
  };
  canvas.addEventListener('pointerup', release);
  canvas.addEventListener('pointercancel', release);
  canvas.addEventListener('pointerleave', () => on.hover(-1, -1));
  canvas.addEventListener('dblclick', (event) => on.focus(...at(event)));
  canvas.addEventListener('wheel', (event) => {
    if (event.ctrlKey || event.metaKey) {
      view.zoom(1.0018 ** event.deltaY, at(event)[0]);
    } else {
      const sideways = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
      if (!sideways) return;  // the browser scrolls the lanes
      view.pan(sideways / view.scale);
    }
    event.preventDefault();
    on.changed();
  }, {passive: false});
}

/** The strip over the whole trace: a drag takes the window along, a click moves it there. */
export function listenToStrip(canvas, trace, view, changed) {
  const follow = (event) => {
    const box = canvas.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const middle = trace.start + share * (trace.finish - trace.start);
    view.pan(middle - (view.start + view.end) / 2);
    changed();
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    follow(event);
  });
  canvas.addEventListener('pointermove', (event) => { if (event.buttons) follow(event); });
  canvas.addEventListener('wheel', (event) => {
    view.zoom(1.0018 ** event.deltaY);
    event.preventDefault();
    changed();
  }, {passive: false});
}

/** The axis: a drag over it chooses the window. `show(from, to)` marks the choice, null ends it. */
export function listenToAxis(canvas, view, show, changed) {
  let from = null;
  const at = (event) => event.clientX - canvas.getBoundingClientRect().left;
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    from = at(event);
  });
  canvas.addEventListener('pointermove', (event) => { if (from !== null) show(from, at(event)); });
  canvas.addEventListener('pointerup', (event) => {
    if (from === null) return;
    const to = at(event);
    if (Math.abs(to - from) > 4) view.show(...[view.time(from), view.time(to)].sort((a, b) => a - b));
    from = null;
    show(null);
    changed();
  });
}

/** Keys of the page; those of text fields are left alone. `actions` maps a key to a function. */
export function listenToKeys(actions) {
  document.addEventListener('keydown', (event) => {
    const typing = event.target.matches('input:not([type=checkbox]), select, textarea');
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing && event.key !== 'Escape') return;
    // Enter and arrows have their own meaning on what can be pressed or scrolled.
    const own = event.target.closest('button, summary, .types-menu, #panel');
    if (own && (event.key.startsWith('Arrow') || event.key === 'Enter' || event.key === 'Home')) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}
