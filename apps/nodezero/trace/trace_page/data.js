// SPDX-License-Identifier: BSD-3-Clause

// Decodes what the page carries (apps/nodezero/trace/trace_page_data.hpp describes it) into typed
// arrays. Events and messages are numbered from 1, as everywhere; entry 0 of an array is unused.

export const Kind = {
  spawn: 1, send: 2, begin: 3, end: 4, drop: 5, timer: 6, state: 7, exit: 8, note: 9,
};
export const isRequest = 1;
export const isResponse = 2;
export const isUrgent = 4;
export const isForwarded = 8;
const FieldKind = {number: 0, real: 1, numbers: 2};

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);  // quicker, and not everywhere
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Puts LEB128 numbers of up to 32 bits into an array, from index `first` on. */
function numbersOf(base64, array, first) {
  const bytes = bytesOf(base64);
  for (let at = 0, index = first; at < bytes.length; ++index) {
    let byte = bytes[at++];
    let number = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = bytes[at++];
      if (shift < 32) number |= (byte & 127) << shift;
    }
    array[index] = number;
  }
  return array;
}

/** LEB128 numbers of up to 64 bits, each as its low and its high half. */
function wordsOf(base64, count) {
  const bytes = bytesOf(base64);
  const halves = new Uint32Array(2 * count);
  for (let at = 0, index = 0; at < bytes.length; index += 2) {
    let byte = bytes[at++];
    let low = byte & 127;
    let high = 0;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = bytes[at++];
      const bits = byte & 127;
      if (shift < 32) low |= bits << shift;
      if (shift >= 32) high |= bits << (shift - 32);
      else if (shift === 28) high |= bits >>> 4;
    }
    halves[index] = low;
    halves[index + 1] = high;
  }
  return halves;
}

/** Nanoseconds as doubles: exact for 104 days. */
function timesOf(base64, count) {
  const halves = wordsOf(base64, count);
  const times = new Float64Array(count + 1);
  let time = 0;
  for (let event = 1; event <= count; ++event) {
    const low = halves[2 * event - 2];
    const half = halves[2 * event - 1] * 2147483648 + (low >>> 1);
    time += low & 1 ? -half - 1 : half;
    times[event] = time;
  }
  return times;
}

export function decodeTrace(source) {
  const count = source.events;
  const columns = source.columns;
  const column = (name, type) => numbersOf(columns[name], new type(count + 1), 1);
  const trace = {
    eventCount: count,
    messageCount: source.messages,
    about: source.about,
    completeness: source.completeness,
    violations: source.violations,
    phrases: source.phrases,
    names: source.names.map(([text, fields]) => ({
      text, fields: fields.map(([name, kind]) => ({name, kind})),
    })),
    actors: source.actors.map(([name, number, parent, spawned, exited]) => ({
      name, number, parent, spawned, exited,
    })),
    time: timesOf(columns.time, count),
    kind: column('kind', Uint8Array),
    detail: column('detail', Uint8Array),
    actor: column('actor', Uint32Array),
    peer: column('peer', Uint32Array),
    type: column('type', Uint16Array),
    argument: column('argument', Uint32Array),
    message: column('message', Uint32Array),
    handling: column('handling', Uint32Array),
    thread: column('thread', Uint32Array),
    wordCount: column('word_count', Uint32Array),
    words: wordsOf(columns.words, source.words),
    request: numbersOf(columns.request, new Uint32Array(source.messages + 1), 1),
  };
  if (!trace.actors.length) {  // an empty trace need not have the entry for what is outside
    trace.actors.push({name: '', number: -1, parent: 0, spawned: 0, exited: 0});
  }
  const firstWord = new Uint32Array(count + 2);
  for (let event = 1; event <= count; ++event) {
    if (trace.handling[event]) trace.handling[event] = event - trace.handling[event];
    firstWord[event + 1] = firstWord[event] + trace.wordCount[event];
  }
  trace.firstWord = firstWord;
  trace.reals = new Float64Array(trace.words.buffer);
  followMessages(trace);
  findEpochsAndSteps(trace);
  let first = Infinity;
  let last = -Infinity;
  for (let event = 1; event <= count; ++event) {
    first = Math.min(first, trace.time[event]);
    last = Math.max(last, trace.time[event]);
  }
  trace.start = count ? first : 0;
  trace.finish = count ? Math.max(last, first + 1) : 1;
  return trace;
}

/** What became of each message: the events that sent, began, ended and dropped it. */
function followMessages(trace) {
  const {eventCount, messageCount, kind, message} = trace;
  for (const name of ['sent', 'begun', 'ended', 'dropped', 'response']) {
    trace[name] = new Uint32Array(messageCount + 1);
  }
  for (let event = 1; event <= eventCount; ++event) {
    const number = message[event];
    if (!number) continue;
    if (kind[event] === Kind.send) trace.sent[number] = event;
    else if (kind[event] === Kind.begin) trace.begun[number] = event;
    else if (kind[event] === Kind.end) trace.ended[number] = event;
    else if (kind[event] === Kind.drop) trace.dropped[number] = event;
  }
  for (let event = 1; event <= eventCount; ++event) {  // not every record has the type
    if (!trace.type[event]) trace.type[event] = trace.type[trace.sent[message[event]]];
  }
  for (let number = 1; number <= messageCount; ++number) {
    if (trace.request[number]) trace.response[trace.request[number]] = number;
  }
}

/** The event whose payload speaks for this one: a message's content is kept with its send. */
function payloadEvent(trace, event) {
  if (trace.wordCount[event] || trace.kind[event] === Kind.send) return event;
  return trace.sent[trace.message[event]] || event;
}

/** Calls visit(name, kind, first word, count) for each field until it returns true. */
function visitFields(trace, event, visit) {
  const from = payloadEvent(trace, event);
  const end = trace.firstWord[from + 1];
  let word = trace.firstWord[from];
  for (const field of trace.names[trace.type[from]].fields) {
    if (word >= end) return;
    const count = field.kind === FieldKind.numbers ? trace.words[2 * word] : 1;
    const next = word + (field.kind === FieldKind.numbers ? 1 + Math.ceil(count / 2) : 1);
    if (next > end || visit(field.name, field.kind, word, count)) return;
    word = next;
  }
}

function wholeNumber(trace, word) {
  return trace.words[2 * word] + trace.words[2 * word + 1] * 4294967296;
}

/** A field's number, or -1. */
export function fieldNumber(trace, event, name) {
  let value = -1;
  visitFields(trace, event, (field, kind, word) => {
    if (field !== name) return false;
    if (kind === FieldKind.number) value = wholeNumber(trace, word);
    return true;
  });
  return value;
}

/** The payload as pairs of name and text. */
export function payloadOf(trace, event) {
  const pairs = [];
  visitFields(trace, event, (name, kind, word, count) => {
    if (kind === FieldKind.number) {
      pairs.push([name, String(wholeNumber(trace, word))]);
    } else if (kind === FieldKind.real) {
      pairs.push([name, String(Number(trace.reals[word].toPrecision(7)))]);
    } else {
      const shown = Math.min(count, 64);
      const first = 2 * (word + 1);
      const numbers = Array.from(trace.words.subarray(first, first + shown)).join(' ');
      pairs.push([name, shown < count ? `${numbers} and ${count - shown} more` : numbers || 'none']);
    }
    return false;
  });
  return pairs;
}

/**
 * By type, which word of a payload is the number of this name: -1 if there is none, -2 if fields
 * of no fixed size come before it.
 */
function wordsNamed(names, name) {
  return Int32Array.from(names, ({fields}) => {
    const at = fields.findIndex((field) => field.name === name);
    if (at < 0) return -1;
    const isFixed = fields.slice(0, at + 1).every(({kind}, i) => (i < at
      ? kind !== FieldKind.numbers : kind === FieldKind.number));
    return isFixed ? at : -2;
  });
}

/** Epoch and step of each event: its own payload's, else those of what was being handled. */
function findEpochsAndSteps(trace) {
  const {eventCount, handling, names, type, wordCount, firstWord, words} = trace;
  const source = new Uint32Array(eventCount + 1);
  for (let event = 1; event <= eventCount; ++event) {
    source[event] = wordCount[event] ? event : payloadEvent(trace, event);
  }
  for (const name of ['epoch', 'step']) {
    const found = trace[name] = new Int32Array(eventCount + 1).fill(-1);
    const wordOf = wordsNamed(names, name);
    for (let event = 1; event <= eventCount; ++event) {
      const from = source[event];
      const word = wordOf[type[from]];
      if (word === -1) found[event] = found[handling[event]];
      else if (word === -2) found[event] = fieldNumber(trace, event, name);
      else if (word < wordCount[from]) found[event] = words[2 * (firstWord[from] + word)];
    }
  }
}
