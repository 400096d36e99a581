// SPDX-License-Identifier: BSD-3-Clause

// Lays one trace's times over another's, so that what belongs to a step stands below the same step.
import {gallop, lowerBound} from './lanes.js';

/**
 * When each step began, by epoch and step ("0 3"): when its micro-batches were first assigned,
 * since it may have been planned long before, or else when it was first met.
 */
export function anchorsOf(trace) {
  const first = new Map();
  const assign = trace.names.findIndex(({text}) => text === 'assign');
  for (let e = 1; e <= trace.eventCount; ++e) {
    if (trace.step[e] < 0 || trace.epoch[e] < 0) continue;
    if (assign >= 0 && trace.type[e] !== assign) continue;
    const key = `${trace.epoch[e]} ${trace.step[e]}`;
    if (!first.has(key)) first.set(key, trace.time[e]);
  }
  return first;
}

/**
 * Changes the times of `right` so that the steps that both traces have begin together, each as
 * long as the longer one: `realTime` keeps what the recorder's clock said. Between two steps
 * times are stretched evenly. Changes `left` in the same way.
 */
export function align(left, right) {
  const of = [anchorsOf(left), anchorsOf(right)];
  const shared = [...of[0].keys()].filter((key) => of[1].has(key))
    .sort((a, b) => of[0].get(a) - of[0].get(b));
  // Steps that began in another order in the other trace cannot both be laid over.
  const kept = [];
  let last = -Infinity;
  for (const key of shared) {
    if (of[1].get(key) <= last) continue;
    last = of[1].get(key);
    kept.push(key);
  }
  const points = [left, right].map((trace, side) => {
    const times = [trace.start, ...kept.map((key) => of[side].get(key)), trace.finish];
    return Float64Array.from(times, (time, i) => (i && time <= times[i - 1] ? times[i - 1] + 1 : time));
  });
  const common = new Float64Array(kept.length + 2);
  for (let i = 1; i < common.length; ++i) {
    common[i] = common[i - 1] +
      Math.max(points[0][i] - points[0][i - 1], points[1][i] - points[1][i - 1]);
  }
  [left, right].forEach((trace, side) => warp(trace, points[side], common));
  return kept.map((key, i) => {
    const [epoch, step] = key.split(' ').map(Number);
    return {epoch, step, time: common[i + 1]};
  });
}

function warp(trace, points, common) {
  trace.realTime = trace.time.slice();
  let i = 1;  // of the first point that is not earlier; events are nearly in order of time
  for (let e = 1; e <= trace.eventCount; ++e) {
    const time = trace.time[e];
    if (time <= points[i - 1]) i = lowerBound(points, time, 0, i);
    else if (time > points[i]) i = gallop(points, time, i, points.length);
    i = Math.max(1, Math.min(points.length - 1, i));
    const share = (time - points[i - 1]) / (points[i] - points[i - 1]);
    trace.time[e] = common[i - 1] + share * (common[i] - common[i - 1]);
  }
  trace.start = 0;
  trace.finish = Math.max(1, common[common.length - 1]);
}
