// SPDX-License-Identifier: BSD-3-Clause

// What the pages of one trace and of two have in common: a scene, what is selected in it, and when it
// is drawn.
import {causalChain, causalPast} from './causes.js';
import {litSlices, pastSlices} from './filters.js';

/** All that is drawn of a trace (draw.js says what); `broken` are events to be marked. */
export function sceneOf(trace, layout, view, broken) {
  return {
    trace, layout, view, broken, colours: null, lit: litSlices(layout.slices, null),
    arrows: layout.arrows, passes: null, past: null, cut: null, chain: null, selected: 0,
    selectedActor: null, hoverRow: -1,
  };
}

/** Selects an event (0: none) with the chain that led to it. */
export function select(scene, event) {
  scene.selected = event;
  scene.chain = event ? causalChain(scene.trace, event) : null;
}

/** Has everything dimmed that cannot have influenced the selected event, or nothing. */
export function dimOthers(scene, dims) {
  scene.past = dims && scene.selected ? causalPast(scene.trace, scene.selected) : null;
  scene.cut = scene.past && pastSlices(scene.layout.slices, scene.past);
}

/** Gives an event's actor a row of its own. Returns whether the rows are others now. */
export function revealRow({trace, view}, event) {
  const actor = trace.actor[event];
  if (view.rowOf[actor] >= 0 && view.rows[view.rowOf[actor]] === actor) return false;
  view.reveal(actor);
  return true;
}

/** Moves the window so that it shows an event, if it does not or only just does. */
export function moveWindowTo({trace, view}, event) {
  const margin = view.span * 0.1;
  const time = trace.time[event];
  if (time < view.start + margin || time > view.end - margin) {
    view.pan(time - (view.start + view.end) / 2);
  }
}

/** A function that has `draw` called once before the next frame, however often it is called. */
export function onceAFrame(draw) {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      draw();
    });
  };
}

/** A canvas's context for drawing in pixels of the page, whatever the screen's are. */
export function sized(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext('2d', {alpha: false});
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
