// SPDX-License-Identifier: BSD-3-Clause

// The panel at the right: the trace as a whole, an actor, or an event with its causal past.
import {Kind, payloadOf} from './data.js';
import {causeOf, effectsOf, gatheredBefore} from './causes.js';
import {make} from './dom.js';
import {busyTime} from './lanes.js';
import {laneTable, typeTable} from './metrics.js';
import {
  actorName, duration, kindNames, messageName, payloadText, plural, sendFlags, sentence, thousands,
  typeName,
} from './words.js';

function facts(pairs) {
  const list = make('dl', {className: 'facts'});
  for (const [name, value] of pairs) {
    if (value === null || value === '') continue;
    list.append(make('dt', {}, name), make('dd', {}, value));
  }
  return list;
}

function eventButton(trace, event, text) {
  const button = make('button', {type: 'button', className: 'event'},
    make('span', {className: 'number'}, `#${event}`), ' ', text);
  button.dataset.event = event;
  return button;
}

function actorButton(trace, actor) {
  if (!actor) return 'outside';
  const button = make('button', {type: 'button', className: 'link'}, actorName(trace, actor));
  button.dataset.showActor = actor;
  return button;
}

/** What is not to be trusted about a trace, in words; empty if it is complete. */
export function incompleteness({lost_records: lost, ring, cut_off: cutOff}) {
  const reasons = [];
  if (lost) reasons.push(`${plural(lost, 'record')} ${lost === 1 ? 'was' : 'were'} lost because buffers were full or blocks of the file are damaged`);
  if (ring) reasons.push('it holds only the last seconds of the run: earlier events are missing');
  if (cutOff) reasons.push('its file was cut off: the last events are missing');
  return reasons;
}

function wholeTrace(scene) {
  const {trace, layout} = scene;
  const nodes = [make('h2', {}, 'The whole trace')];
  nodes.push(facts([
    ['events', thousands(trace.eventCount)],
    ['messages', thousands(trace.messageCount)],
    ['actors', thousands(Math.max(0, trace.actors.length - 1))],
    ['epochs', layout.epochs.length ? thousands(layout.epochs.length) : ''],
    ['steps', layout.steps.length ? thousands(layout.steps.length) : ''],
    ['length', duration(trace.finish - trace.start)],
    ['complete', incompleteness(trace.completeness).length ? 'no' : 'yes'],
  ]));
  nodes.push(make('h3', {}, trace.violations.length
    ? plural(trace.violations.length, 'violation') : 'No violations'));
  for (const {rule, what, events} of trace.violations) {
    nodes.push(make('div', {className: 'violation'}, make('strong', {}, rule), make('p', {}, what),
      ...events.map((event) => eventButton(trace, event, sentence(trace, event)))));
  }
  nodes.push(make('h3', {}, 'Time by message type'), typeTable(scene));
  const lanes = laneTable(scene);
  if (lanes.rows.length > 1) nodes.push(make('h3', {}, 'Time by lane'), lanes);
  const about = Object.entries(trace.about);
  if (about.length) {
    nodes.push(make('h3', {}, 'About the run'), facts(about.map(([name, value]) => [name,
      value.length > 80 ? make('details', {}, make('summary', {}, `${value.slice(0, 40)}…`),
        make('pre', {}, value)) : value])));
  }
  return nodes;
}

function countTable({trace, colours}, counts) {
  const table = make('table', {className: 'types'});
  for (const [type, count] of counts) {
    const swatch = make('span', {className: 'swatch'});
    swatch.style.background = colours.type[type];
    table.append(make('tr', {}, make('td', {}, swatch, trace.names[type].text || '(no name)'),
      make('td', {className: 'count'}, thousands(count))));
  }
  return table;
}

function oneActor(scene, actor) {
  const {trace, layout} = scene;
  const {slices, tree} = layout;
  const {spawned, exited} = trace.actors[actor];
  const first = slices.first[actor];
  const last = slices.first[actor + 1];
  const busy = actor ? busyTime(slices, actor, trace.start, trace.finish) : 0;
  const counts = new Map();
  let waited = 0;
  let waits = 0;
  for (let s = first; s < last; ++s) {
    const event = slices.event[s];
    counts.set(trace.type[event], (counts.get(trace.type[event]) ?? 0) + 1);
    const sent = trace.sent[trace.message[event]];
    if (!sent) continue;
    waited += trace.time[event] - trace.time[sent];
    ++waits;
  }
  const nodes = [make('h2', {}, actorName(trace, actor))];
  nodes.push(facts([
    ['spawned by', actor ? actorButton(trace, tree.parent[actor]) : null],
    ['children', tree.children[actor].length ? thousands(tree.children[actor].length) : null],
    ['spawned', spawned ? eventButton(trace, spawned, `at ${duration(trace.time[spawned] - trace.start)}`) : null],
    ['ended', exited ? eventButton(trace, exited, typeName(trace, exited)) : actor ? 'lived to the end' : null],
    ['messages', thousands(last - first)],
    ['handling time', `${duration(busy)}, ${(100 * busy / (trace.finish - trace.start)).toFixed(1)} % of the trace`],
    ['mean wait', waits ? `${duration(waited / waits)} from send to begin` : null],
  ]));
  const only = make('button', {type: 'button'}, 'Show only its events');
  only.dataset.onlyActor = actor;
  if (actor) nodes.push(only);
  if (counts.size) {
    nodes.push(make('h3', {}, 'Handled messages by type'),
      countTable(scene, [...counts].sort((a, b) => b[1] - a[1])));
  }
  return nodes;
}

function timing(trace, event) {
  const message = trace.message[event];
  const sent = trace.sent[message];
  const begun = trace.kind[event] === Kind.begin ? event : trace.begun[message];
  const ended = trace.ended[message];
  const dropped = trace.dropped[message];
  const between = (from, to) => (from && to ? duration(trace.time[to] - trace.time[from]) : null);
  if (!message) return [];
  return [
    ['waited', between(sent, begun)],
    ['handled in', between(begun, ended)],
    ['fate', !begun && dropped ? 'dropped' : !begun && !dropped ? 'not handled in this trace' : null],
  ];
}

function oneEvent(scene, event) {
  const {trace, chain} = scene;
  const message = trace.message[event];
  const number = (name) => (trace[name][event] >= 0 ? String(trace[name][event]) : null);
  const nodes = [
    make('h2', {}, make('span', {className: 'number'}, `#${event}`), ' ', sentence(trace, event)),
  ];
  const broken = trace.violations.filter(({events}) => events.includes(event));
  for (const {rule, what} of broken) {
    nodes.push(make('div', {className: 'violation'}, make('strong', {}, rule), make('p', {}, what)));
  }
  nodes.push(facts([
    ['kind', kindNames[trace.kind[event]]],
    ['time', `${((trace.time[event] - trace.start) / 1e6).toFixed(6)} ms after the beginning`],
    ...timing(trace, event),
    ['flags', message && trace.sent[message] ? sendFlags(trace.detail[trace.sent[message]]) : null],
    ['epoch', number('epoch')],
    ['step', number('step')],
    ['thread', String(trace.thread[event])],
    ['actor', actorButton(trace, trace.actor[event])],
    ['peer', message || trace.peer[event] ? actorButton(trace, trace.peer[event]) : null],
  ]));
  const payload = payloadOf(trace, event);
  if (payload.length) nodes.push(make('h3', {}, 'Content'), facts(payload));
  nodes.push(make('h3', {}, 'Why it happened'), why(scene, chain));
  const begin = trace.kind[event] === Kind.begin ? event : 0;
  const effects = begin ? effectsOf(trace, begin, 50) : [];
  if (effects.length) {
    nodes.push(make('h3', {}, 'What it caused'), make('ol', {className: 'events'},
      ...effects.map((effect) => make('li', {}, eventButton(trace, effect, sentence(trace, effect))))));
  }
  const begun = trace.kind[event] === Kind.send && trace.begun[message];
  if (begun) {
    nodes.push(make('h3', {}, 'What came of it'), eventButton(trace, begun, sentence(trace, begun)));
  }
  return nodes;
}

/** "3 gradient, 2 report" */
function countedTypes(trace, events) {
  const counts = new Map();
  for (const event of events) {
    const name = messageName(trace, event);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${thousands(count)} ${name}`).join(', ');
}

/** The causal chain in words, the latest first: each line because of the next. */
function why({trace, layout}, chain) {
  const list = make('ol', {className: 'events chain'});
  chain.slice(1, 201).forEach((cause, i) => {
    const later = chain[i];
    const ago = duration(trace.time[later] - trace.time[cause]);
    const aside = [`${ago} before`];
    if (trace.kind[cause] === Kind.send) {
      const content = payloadText(trace, cause);
      if (content) aside.push(content);
      const request = trace.sent[trace.request[trace.message[cause]]];
      if (request) aside.push(`in answer to #${request}`);
    } else if (trace.kind[cause] === Kind.begin) {
      const before = countedTypes(trace, gatheredBefore(trace, layout.slices, cause));
      if (before) aside.push(`${before} had come before`);
    }
    list.append(make('li', {}, eventButton(trace, cause, sentence(trace, cause)),
      make('span', {className: 'aside'}, aside.join(' · '))));
  });
  if (chain.length > 201) list.append(make('li', {}, `and ${plural(chain.length - 201, 'earlier event')}`));
  const first = chain.at(-1);
  const isSend = trace.kind[first] === Kind.send;
  const end = causeOf(trace, first) ? 'Earlier causes are not shown.'
    : trace.actor[first] === 0 || isSend ? 'The cause was not recorded.'
      : trace.kind[first] === Kind.begin ? `The sending of ${messageName(trace, first)} is not in the trace.`
        : 'No recorded event led to it.';
  return make('div', {}, list, make('p', {className: 'aside'}, end));
}

/** Fills the panel with what is selected. */
export function renderPanel(element, scene) {
  const {selected, selectedActor} = scene;
  const nodes = selected ? oneEvent(scene, selected)
    : selectedActor !== null ? oneActor(scene, selectedActor) : wholeTrace(scene);
  element.replaceChildren(...nodes);
  element.scrollTop = 0;
  document.body.dataset.selected = selected || selectedActor !== null ? 'yes' : 'no';
}
