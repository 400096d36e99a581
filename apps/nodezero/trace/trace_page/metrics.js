// SPDX-License-Identifier: BSD-3-Clause

// Where the time went: by message type, and by lane.
import {make} from './dom.js';
import {busyTime} from './lanes.js';
import {actorName, duration, thousands} from './words.js';

/** Of each message type that was handled: number and time in handlings, the longest first. */
export function timeByType(trace, slices) {
  const count = new Float64Array(trace.names.length);
  const busy = new Float64Array(trace.names.length);
  for (let s = 0; s < slices.total; ++s) {
    const type = trace.type[slices.event[s]];
    ++count[type];
    busy[type] += slices.end[s] - slices.start[s];
  }
  return [...count.keys()].filter((type) => count[type])
    .map((type) => ({type, name: trace.names[type].text || '(no name)', count: count[type],
      busy: busy[type]}))
    .sort((a, b) => b.busy - a.busy || b.count - a.count);
}

/** How long each lane was busy. */
export function timeByLane(trace, slices) {
  const lanes = [];
  trace.actors.forEach(({name}, actor) => {
    if (actor && name === 'lane') {
      lanes.push({actor, name: actorName(trace, actor),
        count: slices.first[actor + 1] - slices.first[actor],
        busy: busyTime(slices, actor, trace.start, trace.finish)});
    }
  });
  return lanes.sort((a, b) => a.name.localeCompare(b.name, 'en', {numeric: true}));
}

/** A share of the whole as a bar. */
export function shareBar(share) {
  const filled = make('span', {className: 'share'});
  filled.style.width = `${(100 * Math.min(1, share)).toFixed(1)}%`;
  return make('td', {className: 'shares'}, filled);
}

const headRow = (...titles) => make('tr', {}, ...titles.map((title) => make('th', {scope: 'col'}, title)));

/** Handling time by message type. */
export function typeTable({trace, layout, colours}) {
  const rows = timeByType(trace, layout.slices);
  const most = Math.max(1, ...rows.map(({busy}) => busy));
  return make('table', {className: 'types'}, headRow('type', 'number', 'time', ''),
    ...rows.map(({type, name, count, busy}) => {
      const swatch = make('span', {className: 'swatch'});
      swatch.style.background = colours.type[type];
      return make('tr', {}, make('td', {}, swatch, name),
        make('td', {className: 'count'}, thousands(count)),
        make('td', {className: 'count'}, duration(busy)),
        shareBar(busy / most));
    }));
}

/** How long each lane was busy, as a share of the whole trace. */
export function laneTable({trace, layout}) {
  const rows = timeByLane(trace, layout.slices);
  const whole = Math.max(1, trace.finish - trace.start);
  return make('table', {className: 'types'}, headRow('lane', 'number', 'busy', '', ''),
    ...rows.map(({name, count, busy}) => make('tr', {}, make('td', {}, name),
      make('td', {className: 'count'}, thousands(count)),
      make('td', {className: 'count'}, duration(busy)),
      make('td', {className: 'count'}, `${(100 * busy / whole).toFixed(1)} %`), shareBar(busy / whole))));
}
