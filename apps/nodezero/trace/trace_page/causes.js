// SPDX-License-Identifier: BSD-3-Clause

// Why an event happened: the stack of messages that led to it, and everything that can have
// influenced it.
import {Kind} from './data.js';
import {lowerBound} from './lanes.js';

/** The send of the message that an event is about, if it is the receiver's event. */
function sendOf(trace, event) {
  const kind = trace.kind[event];
  const received = kind === Kind.begin || kind === Kind.end || kind === Kind.drop;
  return received ? trace.sent[trace.message[event]] : 0;
}

/** The event that directly led to this one: what was being handled, or the message's sending. */
export function causeOf(trace, event) {
  if (trace.kind[event] === Kind.end) return trace.handling[event] || trace.begun[trace.message[event]];
  const send = sendOf(trace, event);
  if (send) return send;
  if (trace.handling[event] || trace.kind[event] === Kind.spawn) return trace.handling[event];
  // Outside of any handling an actor only begins to be.
  return trace.actors[trace.actor[event]].spawned;
}

/** The event and its causes, back to what came from outside or is no longer in the trace. */
export function causalChain(trace, event) {
  const chain = [];
  for (let e = event; e; e = causeOf(trace, e)) {
    if (chain.length && e >= chain[chain.length - 1]) break;  // a damaged trace
    chain.push(e);
  }
  return chain;
}

/**
 * For each actor its last event that happened before `event`, 0 for none: an actor's earlier
 * events come before its later ones, and a message's sending before its handling (L. Lamport,
 * Time, Clocks, and the Ordering of Events in a Distributed System, 1978). Looks at each event
 * at most once.
 */
export function causalPast(trace, event) {
  const {actor} = trace;
  trace.links ??= linksByActor(trace);
  const {first, position, linkFirst, linkAt, linkCause} = trace.links;
  const last = new Uint32Array(trace.actors.length);
  const done = first.slice(0, -1);  // events of each actor before this one have been followed
  const waiting = [];
  // An actor's later event covers its earlier ones, but for those of everybody outside (0).
  const reach = (e) => {
    const a = actor[e];
    if (a !== 0 && e <= last[a]) return;
    if (e > last[a]) last[a] = e;
    waiting.push(e);
  };
  reach(event);
  while (waiting.length) {
    const e = waiting.pop();
    const a = actor[e];
    const from = a === 0 ? position[e] : done[a];
    // Backwards, so that of one sender's messages the latest is met first and stands for all.
    let i = lowerBound(linkAt, position[e] + 1, linkFirst[a], linkFirst[a + 1]) - 1;
    for (; i >= linkFirst[a] && linkAt[i] >= from; --i) reach(linkCause[i]);
    if (a !== 0) done[a] = Math.max(done[a], position[e] + 1);
  }
  return last;
}

/** The sending by which another actor led to this event; 0: none. An end says no more than the
 *  beginning of its handling. */
function sentElsewhere(trace, event) {
  const isKnown = trace.kind[event] === Kind.end && trace.begun[trace.message[event]];
  return isKnown ? 0 : sendOf(trace, event);
}

/** The handling in which another actor made this event happen; 0: none. */
function handledElsewhere(trace, event) {
  const cause = trace.handling[event];
  return cause && trace.actor[cause] !== trace.actor[event] ? cause : 0;
}

/**
 * `position` numbers events by actor and then in their order, from `first[a]` on. Of actor a, links
 * linkFirst[a]..linkFirst[a + 1] lead from the position linkAt to an event of another actor.
 */
function linksByActor(trace) {
  const {actor, eventCount} = trace;
  const first = new Uint32Array(trace.actors.length + 1);
  const linkFirst = new Uint32Array(trace.actors.length + 1);
  for (let e = 1; e <= eventCount; ++e) {
    ++first[actor[e] + 1];
    if (sentElsewhere(trace, e)) ++linkFirst[actor[e] + 1];
    if (handledElsewhere(trace, e)) ++linkFirst[actor[e] + 1];
  }
  for (let a = 0; a < trace.actors.length; ++a) {
    first[a + 1] += first[a];
    linkFirst[a + 1] += linkFirst[a];
  }
  const position = new Uint32Array(eventCount + 1);
  const linkAt = new Uint32Array(linkFirst[trace.actors.length]);
  const linkCause = new Uint32Array(linkAt.length);
  const next = first.slice();
  const nextLink = linkFirst.slice();
  for (let e = 1; e <= eventCount; ++e) {
    const a = actor[e];
    position[e] = next[a]++;
    const send = sentElsewhere(trace, e);
    if (send) {
      linkAt[nextLink[a]] = position[e];
      linkCause[nextLink[a]++] = send;
    }
    const cause = handledElsewhere(trace, e);
    if (cause) {
      linkAt[nextLink[a]] = position[e];
      linkCause[nextLink[a]++] = cause;
    }
  }
  return {first, position, linkFirst, linkAt, linkCause};
}

/** What happened in the handling that `begin` started, at most `most` events. */
export function effectsOf(trace, begin, most) {
  const effects = [];
  const end = trace.ended[trace.message[begin]] || trace.eventCount + 1;
  for (let e = begin + 1; e < end && effects.length < most; ++e) {
    if (trace.handling[e] === begin && trace.kind[e] !== Kind.end) effects.push(e);
  }
  return effects;
}

/**
 * Begin events of what an actor had handled before `begin` without doing anything to be seen:
 * it acted only then, because all of that had come. The latest first, at most 1,000.
 */
export function gatheredBefore(trace, slices, begin) {
  trace.acted ??= actingHandlings(trace);
  const gathered = [];
  const first = slices.first[trace.actor[begin]];
  for (let s = slices.ofBegin[begin] - 2; s >= first && gathered.length < 1000; --s) {
    if (trace.acted[slices.event[s]]) break;
    gathered.push(slices.event[s]);
  }
  return gathered;
}

/** One byte an event: 1 for a begin in whose handling something else is recorded. */
function actingHandlings(trace) {
  const acted = new Uint8Array(trace.eventCount + 1);
  for (let e = 1; e <= trace.eventCount; ++e) {
    const isOther = trace.kind[e] !== Kind.begin && trace.kind[e] !== Kind.end;
    if (isOther) acted[trace.handling[e]] = 1;
  }
  return acted;
}
