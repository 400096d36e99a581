// SPDX-License-Identifier: BSD-3-Clause

// Puts the page together: what is selected and filtered, and when what is drawn.
import {decodeTrace} from './data.js';
import {byId} from './dom.js';
import {actorName, duration, moment, plural, sentence, thousands} from './words.js';
import {arrange, litArrows, lowerBound} from './lanes.js';
import {causeOf} from './causes.js';
import {FilterBar} from './filter_bar.js';
import {litSlices} from './filters.js';
import {View} from './view.js';
import {chooseOtherTheme, isDark, readColours, restoreTheme} from './theme.js';
import {dimOthers, onceAFrame, moveWindowTo, revealRow, sceneOf, select, sized} from './scene.js';
import {drawLanes} from './draw.js';
import {drawAxis, drawStrip, drawWindow} from './overview.js';
import {Tree} from './tree.js';
import {incompleteness, renderPanel} from './panel.js';
import {eventAt, listenToAxis, listenToKeys, listenToLanes, listenToStrip} from './input.js';

const axisHeight = 34;
const stripHeight = 46;
const rowHeights = [5, 8, 14, 20, 28];

const trace = decodeTrace(JSON.parse(byId('trace-data').textContent));
const layout = arrange(trace);
const view = new View(trace, layout.tree);
const scene = sceneOf(trace, layout, view,
  new Set(trace.violations.flatMap(({events}) => events)));

// ---- drawing ---------------------------------------------------------------------------------

let choice = null;  // what a drag over the axis has chosen so far
let strip = null;   // the drawn strip without its window
const redraw = onceAFrame(drawFrame);

function drawFrame() {
  const every = drawLanes(sized(byId('lanes'), view.width, view.height), scene);
  const axis = sized(byId('axis'), view.width, axisHeight);
  drawAxis(axis, scene, axisHeight);
  if (choice) {
    axis.fillStyle = scene.colours.marked;
    axis.fillRect(Math.min(...choice), 0, Math.abs(choice[1] - choice[0]), axisHeight);
  }
  const target = byId('strip');
  const context = sized(target, view.width, stripHeight);
  if (!strip) {
    strip = document.createElement('canvas');
    drawStrip(sized(strip, view.width, stripHeight), scene, view.width, stripHeight);
  }
  context.drawImage(strip, 0, 0, view.width, stripHeight);
  drawWindow(context, scene, view.width, stripHeight);
  tree.render(scene.selectedActor);
  const arrows = every === 1 ? 'all arrows shown' : `1 of ${thousands(every)} arrows shown`;
  const from = view.start - trace.start;
  const at = (time) => moment(time, view.span / 100, from + view.span);
  byId('window').textContent = `${at(Math.max(0, from))} to ${at(from + view.span)} ` +
    `(${duration(view.span)}) · ${arrows}`;
}

function measure() {
  const box = byId('stage').getBoundingClientRect();
  const space = byId('tree').getBoundingClientRect().width;
  view.width = Math.max(50, byId('scroller').clientWidth - space);
  view.height = Math.max(50, box.height - axisHeight - stripHeight);
  byId('viewport').style.height = `${view.height}px`;
  strip = null;
  setRows();
}

/** After rows came or went, or their height changed. */
function setRows() {
  byId('spacer').style.height = `${Math.max(0, view.contentHeight - view.height)}px`;
  view.scroll = byId('scroller').scrollTop;
  redraw();
}

function readTheme() {
  scene.colours = readColours(layout.types, trace.names.length);
  for (const swatch of document.querySelectorAll('.types-menu .swatch')) {
    swatch.style.background = scene.colours.type[swatch.dataset.type];
  }
  byId('theme').setAttribute('aria-pressed', String(isDark()));
  strip = null;
  renderPanel(byId('panel'), scene);
  redraw();
}

// ---- selecting -------------------------------------------------------------------------------

/** Shows an event in the panel, or else an actor, or neither. */
function show(event, actor = null) {
  select(scene, event);
  scene.selectedActor = event ? null : actor;
  relight();
  renderPanel(byId('panel'), scene);
  byId('tip').hidden = true;
  byId('back').hidden = !event && actor === null;
  byId('said').textContent = event ? sentence(trace, event) : actor !== null ? actorName(trace, actor) : '';
}

function relight() {
  dimOthers(scene, byId('dim').checked);
  redraw();
}

function scrollToRow(row) {
  const top = row * view.rowHeight;
  const scroller = byId('scroller');
  if (top < scroller.scrollTop || top + view.rowHeight > scroller.scrollTop + view.height) {
    scroller.scrollTop = top - view.height / 2;
  }
  view.scroll = scroller.scrollTop;
}

/** Selects an event and brings it onto the screen. */
function goTo(event) {
  if (revealRow(scene, event)) setRows();
  scrollToRow(view.rowOf[trace.actor[event]]);
  moveWindowTo(scene, event);
  show(event);
}

/** Shows an event's handling, or its surroundings, in a third of the window. */
function focusOn(event) {
  const slice = layout.slices.ofBegin[event];
  const length = slice ? layout.slices.end[slice - 1] - layout.slices.start[slice - 1] : 0;
  const span = Math.max(3 * length, 2000);
  const middle = trace.time[event] + length / 2;
  view.show(middle - span / 2, middle + span / 2);
  goTo(event);
}

/** The next or previous handled message on the selected event's lane. */
function neighbour(direction) {
  const {slices} = layout;
  const event = scene.selected;
  const actor = event ? trace.actor[event] : scene.selectedActor ?? tree.current;
  const first = slices.first[actor];
  const last = slices.first[actor + 1];
  const time = event ? trace.time[event] : view.start;
  const slice = slices.ofBegin[event] ? slices.ofBegin[event] - 1 + direction
    : lowerBound(slices.start, time, first, last) - (direction < 0 ? 1 : 0);
  if (slice >= first && slice < last) goTo(slices.event[slice]);
}

// ---- the page --------------------------------------------------------------------------------

const bar = new FilterBar(trace, layout, view, {
  filtered: (passes) => {
    scene.passes = passes;
    scene.lit = litSlices(layout.slices, passes);
    scene.arrows = litArrows(trace, layout.arrows, passes);
    relight();
    setRows();
  },
  goTo,
});

const tree = new Tree(byId('tree'), trace, layout, view, {
  select: (actor) => show(0, actor),
  toggle: (actor, open) => {
    view.toggle(actor, open);
    setRows();
  },
  reveal: (row) => {
    scrollToRow(row);
    redraw();
  },
});

function changeRowHeight(direction) {
  const at = rowHeights.indexOf(view.rowHeight) + direction;
  if (at < 0 || at >= rowHeights.length) return;
  const scroller = byId('scroller');
  const top = scroller.scrollTop / view.rowHeight;
  view.rowHeight = rowHeights[at];
  setRows();
  scroller.scrollTop = top * view.rowHeight;
}

function hover(x, y) {
  const tip = byId('tip');
  const row = y < 0 ? -1 : Math.floor((y + view.scroll) / view.rowHeight);
  if (row !== scene.hoverRow) {
    scene.hoverRow = row;
    redraw();
  }
  const event = y < 0 ? 0 : eventAt(scene, x, y);
  const actor = view.rows[row];
  tip.hidden = y < 0 || actor === undefined || (!event && view.rowHeight >= 14);
  if (tip.hidden) return;
  tip.textContent = event ? `#${event} ${sentence(trace, event)}` : actorName(trace, actor);
  const box = byId('lanes').getBoundingClientRect();
  tip.style.left = `${Math.min(box.left + x + 12, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.min(box.top + y + 14, innerHeight - tip.offsetHeight - 8)}px`;
}

function toggleTheme() {
  chooseOtherTheme();
  readTheme();
}

function listen() {
  const on = (id, type, run) => byId(id).addEventListener(type, run);
  const zoom = (factor) => () => {
    view.zoom(factor);
    redraw();
  };
  const pan = (share) => () => {
    view.pan(share * view.span);
    redraw();
  };
  const fit = () => {
    view.fit();
    redraw();
  };
  const scrollBy = (pages) => () => { byId('scroller').scrollTop += pages * view.height; };
  const up = () => {
    const cause = scene.selected && causeOf(trace, scene.selected);
    if (cause) goTo(cause);
  };
  const help = () => byId('help').showModal();
  const focusSelected = () => { if (scene.selected) focusOn(scene.selected); };

  on('zoom-in', 'click', zoom(0.5));
  on('zoom-out', 'click', zoom(2));
  on('fit', 'click', fit);
  on('taller', 'click', () => changeRowHeight(1));
  on('flatter', 'click', () => changeRowHeight(-1));
  on('theme', 'click', toggleTheme);
  on('help-open', 'click', help);
  on('back', 'click', () => show(0));
  on('measure', 'change', () => {
    tree.measure = byId('measure').value;
    redraw();
  });
  on('dim', 'change', relight);
  on('violations', 'click', () => {
    show(0);
    byId('panel').focus();
  });
  on('panel', 'click', ({target}) => {
    const {event, showActor, onlyActor} = target.closest('button')?.dataset ?? {};
    if (event) goTo(Number(event));
    if (showActor) show(0, Number(showActor));
    if (onlyActor) bar.showOnly(Number(onlyActor));
  });
  on('scroller', 'scroll', () => {
    view.scroll = byId('scroller').scrollTop;
    redraw();
  });
  document.addEventListener('click', ({target}) => {
    if (!target.closest('.types-menu')) byId('types').open = false;
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', readTheme);
  new ResizeObserver(measure).observe(byId('stage'));

  listenToLanes(byId('lanes'), view, {
    changed: redraw,
    hover,
    scrollTo: (y) => { byId('scroller').scrollTop = y; },
    click: (x, y) => {
      byId('lanes').focus({preventScroll: true});
      show(eventAt(scene, x, y));
    },
    focus: (x, y) => {
      const event = eventAt(scene, x, y);
      if (event) focusOn(event);
    },
  });
  listenToStrip(byId('strip'), trace, view, redraw);
  const mark = (from, to) => {
    choice = from === null ? null : [from, to];
    redraw();
  };
  listenToAxis(byId('axis'), view, mark, redraw);
  listenToKeys({
    a: pan(-0.15), d: pan(0.15), ArrowLeft: pan(-0.15), ArrowRight: pan(0.15),
    w: zoom(0.7), s: zoom(1 / 0.7), '+': zoom(0.7), '=': zoom(0.7), '-': zoom(1 / 0.7),
    ArrowUp: scrollBy(-0.1), ArrowDown: scrollBy(0.1),
    PageUp: scrollBy(-0.9), PageDown: scrollBy(0.9),
    0: fit, Home: fit, f: focusSelected, n: () => neighbour(1), p: () => neighbour(-1), c: up,
    t: toggleTheme, '?': help, '[': () => changeRowHeight(-1), ']': () => changeRowHeight(1),
    '/': () => byId('search').focus(),
    Escape: ({target}) => {
      if (byId('types').open) byId('types').open = false;
      else if (target.matches('input')) target.blur();
      else show(0);
    },
  });
}

function begin() {
  restoreTheme();
  const {about, violations} = trace;
  const title = `Trace of ${[about.program ?? 'a run', about.version].filter(Boolean).join(' ')}`;
  document.title = byId('title').textContent = title;
  byId('facts').textContent = [about.run, about.host, about.time ?? about.started,
    plural(trace.eventCount, 'event'), duration(trace.finish - trace.start)].filter(Boolean).join(' · ');
  const reasons = incompleteness(trace.completeness);
  byId('incomplete').hidden = !reasons.length;
  byId('incomplete').textContent = `This trace is not complete: ${reasons.join('; ')}.`;
  byId('violations').hidden = !violations.length;
  byId('violations').textContent = plural(violations.length, 'violation');
  byId('empty').hidden = trace.eventCount > 0;
  if (trace.actors.length > 500) {
    layout.tree.children.forEach((list, a) => {
      if (list.length && layout.tree.depth[a] > 0) view.closed.add(a);
    });
    view.listRows();
  }
  readTheme();
  listen();
  measure();
  drawFrame();
  document.body.dataset.ready = 'yes';
  performance.mark('usable');
}

begin();
