// SPDX-License-Identifier: BSD-3-Clause

// Everything that the page says about times, actors and events.
import {Kind, isForwarded, isRequest, isResponse, isUrgent, payloadOf} from './data.js';

export function thousands(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

export function plural(number, thing, things = `${thing}s`) {
  return `${thousands(number)} ${number === 1 ? thing : things}`;
}

const units = [['s', 1e9], ['ms', 1e6], ['µs', 1e3], ['ns', 1]];

/** A length of time with three digits: 12.3 ms. */
export function duration(nanoseconds) {
  if (nanoseconds === 0) return '0';
  const size = Math.abs(nanoseconds);
  const [unit, scale] = units.find(([, least]) => size >= least * 0.9995) ?? units[3];
  const value = nanoseconds / scale;
  const digits = size / scale >= 99.95 ? 0 : size / scale >= 9.995 ? 1 : 2;
  return `${unit === 'ns' ? Math.round(value) : value.toFixed(digits)} ${unit}`;
}

/**
 * A moment in the unit that suits `latest` (nanoseconds), with as many digits as tell moments
 * apart that lie `step` nanoseconds apart.
 */
export function moment(nanoseconds, step, latest) {
  const [unit, scale] = units.find(([, least]) => latest >= least) ?? units[3];
  const digits = Math.max(0, Math.ceil(-Math.log10(step / scale) - 1e-9));
  return `${(nanoseconds / scale).toFixed(Math.min(9, digits))} ${unit}`;
}

export function actorName(trace, actor) {
  if (!actor || !trace.actors[actor]) return 'outside';
  const {name, number} = trace.actors[actor];
  return number >= 0 ? `${name} ${number}` : name || `actor ${actor}`;
}

export function typeName(trace, event) {
  return trace.names[trace.type[event]].text;
}

export function messageName(trace, event) {
  return typeName(trace, event) || 'a message';
}

export function payloadText(trace, event) {
  return payloadOf(trace, event).map(([name, text]) => `${name} ${text}`).join(', ');
}

/** As the phrase of the message's type says it, if its payload has what the phrase names. */
function sendingInWords(trace, event, name, peer) {
  const phrase = Object.hasOwn(trace.phrases, name) ? trace.phrases[name] : '';
  const fields = new Map(phrase.includes('{') ? payloadOf(trace, event) : []);
  fields.set('to', peer);
  let isWhole = phrase !== '';
  const text = phrase.replace(/\{(\w+)(?: ([\w-]+) ([\w-]+))?\}/g, (_, field, thing, things) => {
    isWhole &&= fields.has(field);
    const value = fields.get(field);
    return thing ? `${value} ${value === '1' ? thing : things}` : value;
  });
  return isWhole ? text : `sent ${name} to ${peer}`;
}

const handlingResults = ['finished', 'put back', 'had no handler for', 'threw an exception in'];

/** One plain sentence for an event, without number and time. */
export function sentence(trace, event) {
  const actor = actorName(trace, trace.actor[event]);
  const peer = actorName(trace, trace.peer[event]);
  const name = messageName(trace, event);
  switch (trace.kind[event]) {
    case Kind.spawn: return `${peer} spawned ${actor}`;
    case Kind.send: return `${actor} ${sendingInWords(trace, event, name, peer)}`;
    case Kind.begin: {
      const verb = trace.ended[trace.message[event]] ? 'handled' : 'began to handle';
      return `${actor} ${verb} ${name} from ${peer}`;
    }
    case Kind.end: {
      const result = handlingResults[trace.detail[event]] ?? handlingResults[0];
      return `${actor} ${result} ${name} from ${peer}`;
    }
    case Kind.drop: return `${name} from ${peer} to ${actor} was dropped`;
    case Kind.timer: return `${actor} set a timer for ${name} in ${trace.argument[event]} ms`;
    case Kind.state: return `${actor} is now ${name}`;
    case Kind.exit: return `${actor} ended: ${typeName(trace, event) || 'no reason given'}`;
    case Kind.note: return `${trace.actor[event] ? actor : 'the host'} noted: ${name}`;
    default: return `${actor}: an event of unknown kind`;
  }
}

export const kindNames = ['', 'spawn', 'send', 'begin', 'end', 'drop', 'timer', 'state', 'exit',
  'note'];

export function sendFlags(detail) {
  const flags = [];
  if (detail & isRequest) flags.push('a request');
  if (detail & isResponse) flags.push('a response');
  if (detail & isUrgent) flags.push('urgent');
  if (detail & isForwarded) flags.push('forwarded');
  return flags.join(', ');
}
