// SPDX-License-Identifier: BSD-3-Clause

// What the diagram is drawn from: for each actor its handled messages (slices) and other events
// (marks) in order of time, all messages in order of their sending, and the tree of actors.
import {Kind} from './data.js';

/** The first index in [low, high) of the ascending `array` whose value is at least `value`. */
export function lowerBound(array, value, low, high) {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (array[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Like lowerBound, quick where the answer lies near `low`. */
export function gallop(array, value, low, high) {
  let step = 1;
  let end = low;
  while (end < high && array[end] < value) {
    low = end + 1;
    end += step;
    step *= 2;
  }
  return lowerBound(array, value, low, Math.min(end, high));
}

/** offsets[a]..offsets[a + 1] from how many each actor has. */
function offsetsOf(counts) {
  const offsets = new Uint32Array(counts.length + 1);
  for (let i = 0; i < counts.length; ++i) offsets[i + 1] = offsets[i] + counts[i];
  return offsets;
}

/**
 * Slices of actor a are first[a]..first[a + 1] of start, end (nanoseconds), event (its begin)
 * and finish (its end, 0: none in the trace). `busy` sums the lengths of all slices before.
 */
function findSlices(trace) {
  const {eventCount, kind, actor, time, message} = trace;
  const counts = new Uint32Array(trace.actors.length);
  for (let e = 1; e <= eventCount; ++e) if (kind[e] === Kind.begin) ++counts[actor[e]];
  const first = offsetsOf(counts);
  const total = first[counts.length];
  const start = new Float64Array(total);
  const end = new Float64Array(total);
  const event = new Uint32Array(total);
  const finish = new Uint32Array(total);
  const busy = new Float64Array(total + 1);
  const ofBegin = new Uint32Array(eventCount + 1);
  const next = first.slice();
  for (let e = 1; e <= eventCount; ++e) {
    const a = actor[e];
    if (kind[e] === Kind.begin) {
      const slice = next[a]++;
      start[slice] = slice > first[a] ? Math.max(time[e], start[slice - 1]) : time[e];
      end[slice] = trace.finish;
      event[slice] = e;
      ofBegin[e] = slice + 1;
    } else if (kind[e] === Kind.end && next[a] > first[a]) {
      const slice = next[a] - 1;
      if (finish[slice] || message[event[slice]] !== message[e]) continue;
      finish[slice] = e;
      end[slice] = Math.max(time[e], start[slice]);
    }
  }
  for (let a = 0; a < counts.length; ++a) {
    for (let s = first[a]; s < first[a + 1]; ++s) {
      // An end that the trace lacks is no later than the next beginning.
      if (s + 1 < first[a + 1]) end[s] = Math.min(end[s], start[s + 1]);
      busy[s + 1] = busy[s] + end[s] - start[s];
    }
  }
  return {first, total, start, end, event, finish, busy, ofBegin};
}

/** Events that are no slice and no arrow, by actor and in order of time. */
function findMarks(trace) {
  const {eventCount, kind, actor, time} = trace;
  const isMark = (e) => kind[e] === Kind.spawn || kind[e] > Kind.end;
  const counts = new Uint32Array(trace.actors.length);
  for (let e = 1; e <= eventCount; ++e) if (isMark(e)) ++counts[actor[e]];
  const first = offsetsOf(counts);
  const event = new Uint32Array(first[counts.length]);
  const at = new Float64Array(event.length);
  const next = first.slice();
  for (let e = 1; e <= eventCount; ++e) {
    if (!isMark(e)) continue;
    event[next[actor[e]]] = e;
    at[next[actor[e]]++] = time[e];
  }
  return {first, event, time: at};
}

/**
 * Messages as arrows in their order, which is that of their sending. `reach` is the latest arrival
 * of all up to there, so that a window's messages are found by binary search.
 */
function arrowsOf(trace, message) {
  const arrows = {
    message,
    from: new Float64Array(message.length), to: new Float64Array(message.length),
    reach: new Float64Array(message.length),
  };
  let latest = -Infinity;
  message.forEach((m, i) => {
    arrows.from[i] = trace.time[trace.sent[m]];
    arrows.to[i] = trace.time[trace.begun[m] || trace.dropped[m]];
    latest = Math.max(latest, arrows.to[i]);
    arrows.reach[i] = latest;
  });
  return arrows;
}

/** All messages that were sent and then begun or dropped. */
function findArrows(trace) {
  const list = [];
  for (let m = 1; m <= trace.messageCount; ++m) {
    if (trace.sent[m] && (trace.begun[m] || trace.dropped[m])) list.push(m);
  }
  const message = Uint32Array.from(list);
  const timeOf = (m) => trace.time[trace.sent[m]];
  const isInOrder = message.every((m, i) => i === 0 || timeOf(message[i - 1]) <= timeOf(m));
  if (!isInOrder) message.sort((a, b) => timeOf(a) - timeOf(b));
  return arrowsOf(trace, message);
}

/** Those whose sending passes the filter. */
export function litArrows(trace, arrows, passes) {
  return passes ? arrowsOf(trace, arrows.message.filter((m) => passes[trace.sent[m]])) : arrows;
}

/** Parents, children in an order for people, and depth of every actor. */
function findTree(trace, outsideIsSeen) {
  const {actors} = trace;
  const children = actors.map(() => []);
  const parent = new Uint32Array(actors.length);
  const firstOfName = new Map();
  for (let a = 1; a < actors.length; ++a) {
    if (!firstOfName.has(actors[a].name)) firstOfName.set(actors[a].name, a);
    // A parent is older than its children; anything else would be a damaged trace.
    parent[a] = actors[a].parent < a ? actors[a].parent : 0;
    children[parent[a]].push(a);
  }
  const order = (a, b) =>
    firstOfName.get(actors[a].name) - firstOfName.get(actors[b].name) ||
    actors[a].number - actors[b].number || a - b;
  for (const list of children) list.sort(order);
  const roots = outsideIsSeen ? [0, ...children[0]] : children[0].slice();
  children[0] = [];
  const depth = new Uint16Array(actors.length);
  for (let a = 1; a < actors.length; ++a) depth[a] = parent[a] ? depth[parent[a]] + 1 : 0;
  return {children, parent, depth, roots};
}

/** When each epoch and each step is first met, in order of time. */
function findBoundaries(trace) {
  const firstTimes = (numbers) => {
    const first = new Map();
    for (let e = 1, before = -1; e <= trace.eventCount; ++e) {
      const number = numbers[e];
      if (number === before || number < 0) continue;
      before = number;
      if (!first.has(number)) first.set(number, trace.time[e]);
    }
    return first;
  };
  const list = (map) => [...map].map(([number, time]) => ({number, time}))
    .sort((a, b) => a.time - b.time);
  return {epochs: list(firstTimes(trace.epoch)), steps: list(firstTimes(trace.step))};
}

/** The part [first, last) of a list of boundaries that lies in a window. */
export function boundariesBetween(list, start, end) {
  const indexAt = (time) => {
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (list[middle].time < time) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return [indexAt(start), indexAt(end)];
}

/** Message types by how often they were handled or sent: [type, count], the most frequent first. */
function countTypes(trace) {
  const counts = new Uint32Array(trace.names.length);
  for (let e = 1; e <= trace.eventCount; ++e) if (trace.kind[e] === Kind.send) ++counts[trace.type[e]];
  for (let e = 1; e <= trace.eventCount; ++e) {
    // A begin without its send (a ring has forgotten it) still shows its type.
    if (trace.kind[e] === Kind.begin && !trace.sent[trace.message[e]]) ++counts[trace.type[e]];
  }
  return [...counts.entries()].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
}

export function arrange(trace) {
  let outsideIsSeen = false;
  for (let e = 1; e <= trace.eventCount && !outsideIsSeen; ++e) {
    const kind = trace.kind[e];
    outsideIsSeen = trace.actor[e] === 0 || (trace.peer[e] === 0 && kind === Kind.send);
  }
  return {
    slices: findSlices(trace),
    marks: findMarks(trace),
    arrows: findArrows(trace),
    tree: findTree(trace, outsideIsSeen),
    types: countTypes(trace),
    ...findBoundaries(trace),
  };
}

/** Nanoseconds that an actor spent handling messages between two moments. */
export function busyTime(slices, actor, from, to) {
  const begin = slices.first[actor];
  const end = slices.first[actor + 1];
  const low = lowerBound(slices.end, from, begin, end);
  const high = lowerBound(slices.start, to, low, end);
  if (high <= low) return 0;
  let busy = slices.busy[high] - slices.busy[low];
  busy -= Math.max(0, from - slices.start[low]);
  busy -= Math.max(0, slices.end[high - 1] - to);
  return busy;
}

/** Messages that an actor handled between two moments. */
export function handledCount(slices, actor, from, to) {
  const begin = slices.first[actor];
  const end = slices.first[actor + 1];
  const low = lowerBound(slices.end, from, begin, end);
  return lowerBound(slices.start, to, low, end) - low;
}
