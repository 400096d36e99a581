// SPDX-License-Identifier: BSD-3-Clause

// Two traces side by side: lanes of both, one above the other and aligned by step, and between them
// the first cause of their differences with the events that led to it on both sides.
import {decodeTrace} from './data.js';
import {byId, make} from './dom.js';
import {actorName, duration, plural, sentence, thousands} from './words.js';
import {arrange, boundariesBetween} from './lanes.js';
import {View} from './view.js';
import {chooseOtherTheme, isDark, readColours, restoreTheme} from './theme.js';
import {dimOthers, onceAFrame, moveWindowTo, revealRow, sceneOf, select, sized} from './scene.js';
import {drawLanes} from './draw.js';
import {shareBar, timeByLane, timeByType} from './metrics.js';
import {eventAt, listenToKeys, listenToLanes} from './input.js';
import {align} from './warp.js';

const rulerHeight = 30;
const chainLength = 40;
const read = (id) => JSON.parse(byId(id).textContent);
const diff = read('diff-data');
const traces = [decodeTrace(read('left-data')), decodeTrace(read('right-data'))];
const steps = align(...traces);
const sides = traces.map((trace, side) => {
  const layout = arrange(trace);
  const view = new View(trace, layout.tree);
  view.rowHeight = 14;
  const letter = 'ab'[side];
  const marked = new Set(diff.differences.map((one) => one[letter]).filter(Boolean));
  return {
    letter, canvas: byId(`lanes-${letter}`), names: byId(`names-${letter}`),
    scene: sceneOf(trace, layout, view, marked),
  };
});

/** Differences with the moment at which each shows, in order of time. */
const differences = diff.differences.map((one, number) => ({
  ...one, number,
  time: one.a ? traces[0].time[one.a] : one.b ? traces[1].time[one.b] : 0,
}));
const inTime = differences.slice().sort((x, y) => x.time - y.time);
let current = 0;  // index in differences

// ---- drawing ---------------------------------------------------------------------------------

const redraw = onceAFrame(drawFrame);

function drawFrame() {
  for (const {canvas, names, scene} of sides) {
    drawLanes(sized(canvas, scene.view.width, scene.view.height), scene);
    renderNames(names, scene);
  }
  drawRuler();
  const {view} = sides[0].scene;
  byId('window').textContent = `${duration(view.span)} in view`;
}

function renderNames(element, {trace, view}) {
  const rows = [];
  for (let row = view.firstRow; row < view.lastRow; ++row) {
    const name = make('div', {className: 'lane-name'}, actorName(trace, view.rows[row]));
    name.style.transform = `translateY(${view.top(row)}px)`;
    rows.push(name);
  }
  element.replaceChildren(...rows);
}

/** Steps, and where the differences are. */
function drawRuler() {
  const {view, colours} = sides[0].scene;
  const context = sized(byId('ruler'), view.width, rulerHeight);
  context.fillStyle = colours.panel;
  context.fillRect(0, 0, view.width, rulerHeight);
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  const [first, last] = boundariesBetween(steps, view.start, view.end);
  const stride = Math.max(1, Math.ceil((last - first) / (view.width / 4)));
  let textEnd = -Infinity;
  for (let i = first; i < last; i += stride) {
    const x = Math.round(view.x(steps[i].time));
    context.fillStyle = colours.line;
    context.fillRect(x, 0, 1, rulerHeight);
    const label = `step ${steps[i].step}`;
    if (x < textEnd) continue;
    context.fillStyle = colours.muted;
    context.fillText(label, x + 3, 8);
    textEnd = x + context.measureText(label).width + 12;
  }
  context.fillStyle = colours.danger;
  const [low, high] = boundariesBetween(inTime, view.start, view.end);
  let before = -1;
  for (let i = low; i < high; ++i) {
    const x = Math.round(view.x(inTime[i].time));
    if (x === before) continue;
    before = x;
    context.fillRect(x - 1, 18, 2, rulerHeight - 18);
  }
  const chosen = differences[current];
  if (!chosen) return;
  const x = Math.round(view.x(chosen.time));
  context.beginPath();
  context.moveTo(x - 6, 16);
  context.lineTo(x + 6, 16);
  context.lineTo(x, 24);
  context.fill();
}

function measure() {
  for (const {canvas, names, scene} of sides) {
    const box = canvas.parentElement.getBoundingClientRect();
    scene.view.width = Math.max(50, box.width - names.getBoundingClientRect().width);
    scene.view.height = Math.max(30, box.height);
  }
  byId('ruler').style.marginLeft = `${sides[0].names.getBoundingClientRect().width}px`;
  redraw();
}

function readTheme() {
  // A type has the same colour on both sides.
  const colourOf = new Map();
  for (const {scene} of sides) {
    scene.colours = readColours(scene.layout.types, scene.trace.names.length);
    scene.trace.names.forEach(({text}, type) => {
      if (!colourOf.has(text)) colourOf.set(text, scene.colours.type[type]);
      scene.colours.type[type] = colourOf.get(text);
    });
  }
  byId('theme').setAttribute('aria-pressed', String(isDark()));
  redraw();
}

// ---- selecting -------------------------------------------------------------------------------

/** Shows why an event of one side happened; the other side stays as it is. */
function show(side, event) {
  select(sides[side].scene, event);
  dimOthers(sides[side].scene, true);
  renderChain(side);
  redraw();
}

function renderChain(side) {
  const {letter, scene} = sides[side];
  const {trace, chain} = scene;
  const list = make('ol', {className: 'events chain'});
  for (const event of (chain ?? []).slice(0, chainLength)) {
    const button = make('button', {type: 'button', className: 'event'},
      make('span', {className: 'number'}, `#${event}`), ' ', sentence(trace, event));
    button.dataset.event = event;
    button.dataset.side = side;
    list.append(make('li', {}, button, make('span', {className: 'aside'},
      `at ${duration(trace.realTime[event] - trace.realTime[1])}`)));
  }
  const more = (chain?.length ?? 0) - chainLength;
  if (more > 0) list.append(make('li', {}, `and ${plural(more, 'earlier event')}`));
  const title = make('h3', {}, letter.toUpperCase());
  byId(`chain-${letter}`).replaceChildren(title,
    chain ? list : make('p', {className: 'aside'}, differences.length ? 'has no such event' :
      'Click an event of this run to see what led to it.'));
}

/** Brings an event onto the screen: its time for both sides, its lane for its own. */
function bringIntoView(side, event) {
  const {scene} = sides[side];
  const {view} = scene;
  moveWindowTo(scene, event);
  share(side);
  revealRow(scene, event);
  const top = view.rowOf[scene.trace.actor[event]] * view.rowHeight;
  if (top < view.scroll || top + view.rowHeight > view.scroll + view.height) {
    scrollTo(side, top - view.height / 2);
  }
}

function scrollTo(side, top) {
  const {view} = sides[side].scene;
  view.scroll = Math.max(0, Math.min(top, view.contentHeight - view.height));
}

function choose(number) {
  if (!differences.length) return;
  current = Math.max(0, Math.min(differences.length - 1, number));
  const one = differences[current];
  byId('cause').textContent = one.sentence;
  byId('which').textContent = `${thousands(current + 1)} of ${thousands(differences.length)}` +
    (current === 0 ? ', the first cause' : '');
  byId('previous').disabled = current === 0;
  byId('next').disabled = current === differences.length - 1;
  [one.a, one.b].forEach((event, side) => show(side, event ?? 0));
  const side = one.a ? 0 : 1;
  bringIntoView(side, one.a ?? one.b);
  if (one.a && one.b) bringIntoView(1, one.b);
}

// ---- moving ----------------------------------------------------------------------------------

/** Both sides always show the same window. */
function share(side) {
  const {view} = sides[side].scene;
  sides[1 - side].scene.view.show(view.start, view.end);
}

function panBy(time) {
  sides[0].scene.view.pan(time);
  share(0);
}

function zoomBy(factor) {
  sides[0].scene.view.zoom(factor);
  share(0);
  redraw();
}

// ---- metrics ---------------------------------------------------------------------------------

/** Rows of both sides by name, with a bar for each. */
function comparisonTable(title, lists) {
  const names = new Map();
  lists.forEach((list, side) => list.forEach((row) => {
    if (!names.has(row.name)) names.set(row.name, [null, null]);
    names.get(row.name)[side] = row;
  }));
  const most = Math.max(1, ...lists.flat().map(({busy}) => busy));
  const cell = (row) => make('td', {className: 'count'}, row ? duration(row.busy) : '');
  const count = (row) => make('td', {className: 'count'}, row ? thousands(row.count) : '');
  const head = [title, 'A', 'time', '', 'B', 'time', ''];
  return make('table', {className: 'types'},
    make('tr', {}, ...head.map((text) => make('th', {scope: 'col'}, text))),
    ...[...names].map(([name, [a, b]]) => make('tr', {}, make('td', {}, name),
      count(a), cell(a), shareBar((a?.busy ?? 0) / most), count(b), cell(b), shareBar((b?.busy ?? 0) / most))));
}

/** Both sides by the recorder's clock: aligned times are stretched. */
const realMetrics = traces.map((trace, side) => () => {
  const {slices} = sides[side].scene.layout;
  const {realTime, eventCount} = trace;
  const start = Float64Array.from({length: slices.total}, (_, s) => realTime[slices.event[s]]);
  const end = start.map((time, s) => (slices.finish[s] ? realTime[slices.finish[s]] : time));
  const busy = new Float64Array(slices.total + 1);
  for (let s = 0; s < slices.total; ++s) busy[s + 1] = busy[s] + end[s] - start[s];
  const first = realTime[1] ?? 0;
  const real = {...trace, time: realTime, start: first,
    finish: Math.max(first + 1, realTime[eventCount] ?? 0)};
  const own = {...slices, start, end, busy};
  return {types: timeByType(real, own), lanes: timeByLane(real, own)};
});

function showMetrics() {
  const both = realMetrics.map((metrics) => metrics());
  byId('metrics-tables').replaceChildren(
    make('h3', {}, 'By message type'), comparisonTable('type', both.map(({types}) => types)),
    make('h3', {}, 'By lane'), comparisonTable('lane', both.map(({lanes}) => lanes)));
  byId('metrics').showModal();
}

// ---- the page --------------------------------------------------------------------------------

function listen() {
  const on = (id, type, run) => byId(id).addEventListener(type, run);
  const fit = () => {
    sides[0].scene.view.fit();
    share(0);
    redraw();
  };
  const toggleTheme = () => {
    chooseOtherTheme();
    readTheme();
  };
  const pan = (part) => () => {
    panBy(part * sides[0].scene.view.span);
    redraw();
  };
  sides.forEach(({canvas, scene}, side) => {
    listenToLanes(canvas, scene.view, {
      changed: () => {
        share(side);
        redraw();
      },
      hover: (x, y) => {
        const event = y < 0 ? 0 : eventAt(scene, x, y);
        canvas.title = event ? `#${event} ${sentence(scene.trace, event)}` : '';
      },
      scrollTo: (top) => scrollTo(side, top),
      click: (x, y) => show(side, eventAt(scene, x, y)),
      focus: () => {},
    });
    canvas.addEventListener('wheel', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.deltaX) return;
      scrollTo(side, scene.view.scroll + event.deltaY);
      event.preventDefault();
      redraw();
    }, {passive: false});
  });
  byId('middle').addEventListener('click', ({target}) => {
    const {event, side} = target.closest('button')?.dataset ?? {};
    if (!event) return;
    show(Number(side), Number(event));
    bringIntoView(Number(side), Number(event));
  });
  on('ruler', 'click', ({offsetX}) => {
    const time = sides[0].scene.view.time(offsetX);
    const nearest = inTime.reduce((best, one) =>
      (!best || Math.abs(one.time - time) < Math.abs(best.time - time) ? one : best), null);
    if (nearest) choose(nearest.number);
  });
  const next = () => choose(current + 1);
  const previous = () => choose(current - 1);
  on('next', 'click', next);
  on('previous', 'click', previous);
  on('to-first', 'click', () => choose(0));
  on('metrics-open', 'click', showMetrics);
  on('zoom-in', 'click', () => zoomBy(0.5));
  on('zoom-out', 'click', () => zoomBy(2));
  on('fit', 'click', fit);
  on('theme', 'click', toggleTheme);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', readTheme);
  new ResizeObserver(measure).observe(document.body);
  listenToKeys({
    a: pan(-0.15), d: pan(0.15), ArrowLeft: pan(-0.15), ArrowRight: pan(0.15),
    w: () => zoomBy(0.7), s: () => zoomBy(1 / 0.7), 0: fit, n: next, p: previous,
    c: () => choose(0), t: toggleTheme,
  });
}

function begin() {
  restoreTheme();
  byId('title').textContent = document.title = `${diff.names[0]} and ${diff.names[1]}`;
  byId('facts').textContent = [`${thousands(diff.facts)} facts compared`,
    plural(diff.differences.length, 'difference'), diff.restriction].filter(Boolean).join(' · ');
  sides.forEach(({letter}, side) => {
    byId(`name-${letter}`).textContent = `${letter.toUpperCase()}: ${diff.names[side]} · ` +
      `${plural(traces[side].eventCount, 'event')}`;
  });
  readTheme();
  listen();
  measure();
  if (differences.length) {
    choose(0);
    const {view} = sides[0].scene;
    const at = differences[0].time;
    const before = boundariesBetween(steps, 0, at)[1];
    const from = steps[Math.max(0, before - 2)]?.time ?? view.start;
    const to = steps[before + 2]?.time ?? view.end;
    view.show(Math.min(from, at), Math.max(to, at));
    share(0);
  } else {
    byId('cause').textContent = 'The runs do not differ.';
    byId('cause').className = 'none';
    byId('to-first').disabled = byId('next').disabled = byId('previous').disabled = true;
    sides.forEach((_, side) => show(side, 0));
  }
  drawFrame();
  document.body.dataset.ready = 'yes';
  performance.mark('usable');
}

begin();
