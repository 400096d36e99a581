// SPDX-License-Identifier: BSD-3-Clause

// Which events the reader asks for: filters by actor, type, epoch and step, and search.
import {kindNames, actorName} from './words.js';
import {fieldNumber} from './data.js';
import {lowerBound} from './lanes.js';

export function noFilter() {
  return {actor: '', types: null, epoch: -1, step: ''};
}

export function isActive(filter) {
  return filter.actor !== '' || filter.types !== null || filter.epoch >= 0 || filter.step !== '';
}

/** "3" or "3-7" as [3, 7]; null for nothing, undefined for what is no range. */
export function rangeOf(text) {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const match = /^(\d+)(?:\s*-\s*(\d+))?$/.exec(trimmed);
  if (!match) return undefined;
  return [Number(match[1]), Number(match[2] ?? match[1])];
}

/**
 * The actors that a text with commas means: those with that very name ("worker 3"), else those
 * of that kind ("worker"), else those whose name contains it.
 */
export function actorsNamed(trace, text) {
  const wanted = new Uint8Array(trace.actors.length);
  for (const part of text.toLowerCase().split(',').map((word) => word.trim())) {
    if (!part) continue;
    const tests = [
      (a) => actorName(trace, a).toLowerCase() === part,
      (a) => trace.actors[a].name.toLowerCase() === part,
      (a) => actorName(trace, a).toLowerCase().includes(part),
    ];
    for (const test of tests) {
      let found = false;
      for (let a = 0; a < wanted.length; ++a) {
        if (!test(a)) continue;
        wanted[a] = 1;
        found = true;
      }
      if (found) break;
    }
  }
  return wanted;
}

/** One byte an event: 1 if the filter lets it through. An actor's events are also those in
 *  which it is the other side of the message. */
export function filterEvents(trace, filter) {
  const passes = new Uint8Array(trace.eventCount + 1);
  const actors = filter.actor.trim() ? actorsNamed(trace, filter.actor) : null;
  const steps = rangeOf(filter.step);
  for (let e = 1; e <= trace.eventCount; ++e) {
    if (actors && !actors[trace.actor[e]] && !actors[trace.peer[e]]) continue;
    if (filter.types && !filter.types.has(trace.type[e])) continue;
    if (filter.epoch >= 0 && trace.epoch[e] !== filter.epoch) continue;
    if (steps && (trace.step[e] < steps[0] || trace.step[e] > steps[1])) continue;
    passes[e] = 1;
  }
  return passes;
}

/** Words of a query; quotes keep several together. */
function tokensOf(trace, query) {
  const whole = query.trim().toLowerCase();
  const isActor = trace.actors.some((_, a) => actorName(trace, a).toLowerCase() === whole);
  if (isActor) return [whole];
  return [...whole.matchAll(/"([^"]+)"|(\S+)/g)].map((match) => match[1] ?? match[2]);
}

/** A test of events for one word of a query. */
function testOf(trace, token) {
  const numbered = /^#?(\d+)$/.exec(token);
  if (numbered) {
    const number = Number(numbered[1]);
    return (e) => e === number;
  }
  const assigned = /^([a-z_]+)=(\d+)$/.exec(token);
  if (assigned) {
    const value = Number(assigned[2]);
    return (e) => fieldNumber(trace, e, assigned[1]) === value;
  }
  const types = trace.names.map(({text}) => text.toLowerCase().includes(token));
  const kind = kindNames.indexOf(token);
  const exact = trace.actors.map((_, a) => actorName(trace, a).toLowerCase() === token);
  const actors = exact.includes(true) ? exact
    : trace.actors.map((_, a) => actorName(trace, a).toLowerCase().includes(token));
  return (e) => types[trace.type[e]] || trace.kind[e] === kind || actors[trace.actor[e]] ||
    actors[trace.peer[e]];
}

/**
 * The numbers of the events that match every word of a query, among those that pass the filter.
 * A word is an event's number, field=value of its payload, or part of a type, name or kind.
 */
export function searchEvents(trace, query, passes) {
  const tests = tokensOf(trace, query).map((token) => testOf(trace, token));
  const found = [];
  if (!tests.length) return found;
  for (let e = 1; e <= trace.eventCount; ++e) {
    if ((!passes || passes[e]) && tests.every((test) => test(e))) found.push(e);
  }
  return found;
}

/**
 * What is drawn in full: slices whose begin passes the filter, with sums over all slices before
 * (count and busy time) for drawing many at a time.
 */
export function litSlices(slices, passes) {
  const lit = new Uint8Array(slices.total);
  const count = new Uint32Array(slices.total + 1);
  const busy = new Float64Array(slices.total + 1);
  for (let s = 0; s < slices.total; ++s) {
    const e = slices.event[s];
    lit[s] = !passes || passes[e] ? 1 : 0;
    count[s + 1] = count[s] + lit[s];
    busy[s + 1] = busy[s] + (lit[s] ? slices.end[s] - slices.start[s] : 0);
  }
  return {lit, count, busy};
}

/**
 * By actor, the slice before which all lie in the causal past of an event: those of an actor are in
 * order, so that a click costs what there are actors and not what there are slices.
 */
export function pastSlices(slices, past) {
  const cut = new Uint32Array(past.length);
  for (let a = 0; a < past.length; ++a) {
    cut[a] = lowerBound(slices.event, past[a] + 1, slices.first[a], slices.first[a + 1]);
  }
  return cut;
}
