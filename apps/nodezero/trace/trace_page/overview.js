// SPDX-License-Identifier: BSD-3-Clause

// The strip above the lanes: how busy all actors together were over the whole trace, where the
// window is in it, and the axis of the window.
import {boundariesBetween} from './lanes.js';
import {ticks} from './view.js';
import {moment} from './words.js';

/** Busy actors over the whole trace, as shares of the most, one for each of `count` columns. */
export function activity(trace, slices, count) {
  const sums = new Float64Array(count + 1);
  const scale = count / (trace.finish - trace.start);
  // Each slice adds a ramp to the integral: differences of its ends, summed afterwards.
  const slope = new Float64Array(count + 2);
  const add = (time, sign) => {
    const at = (time - trace.start) * scale;
    const column = Math.min(count - 1, Math.floor(at));
    sums[column] += sign * (column + 1 - at);
    slope[column + 1] += sign;
  };
  for (let s = 0; s < slices.total; ++s) {
    add(slices.start[s], 1);
    add(slices.end[s], -1);
  }
  let level = 0;
  let most = 0;
  for (let column = 0; column < count; ++column) {
    level += slope[column];
    sums[column] = Math.max(0, sums[column] + level);
    most = Math.max(most, sums[column]);
  }
  return sums.subarray(0, count).map((sum) => (most > 0 ? sum / most : 0));
}

/** The strip without the window, drawn again only when its width or the colours change. */
export function drawStrip(context, {trace, layout, colours, broken}, width, height) {
  context.fillStyle = colours.panel;
  context.fillRect(0, 0, width, height);
  const columns = Math.max(1, Math.floor(width / 2));
  const bars = activity(trace, layout.slices, columns);
  context.fillStyle = colours.muted;
  context.globalAlpha = 0.55;
  for (let i = 0; i < columns; ++i) {
    const bar = bars[i] > 0 ? Math.max(1, bars[i] * (height - 14)) : 0;
    context.fillRect(i * width / columns, height - bar, width / columns, bar);
  }
  context.globalAlpha = 1;
  const x = (time) => (time - trace.start) / (trace.finish - trace.start) * width;
  context.font = '10px system-ui, sans-serif';
  context.textBaseline = 'top';
  let textEnd = -Infinity;
  for (const {number, time} of layout.epochs) {
    context.fillStyle = colours.muted;
    context.fillRect(Math.round(x(time)), 0, 1, height);
    const label = `epoch ${number}`;
    if (x(time) < textEnd) continue;
    textEnd = x(time) + context.measureText(label).width + 10;
    context.fillStyle = colours.text;
    if (textEnd < width) context.fillText(label, x(time) + 4, 2);
  }
  context.fillStyle = colours.danger;
  for (const event of broken) context.fillRect(Math.round(x(trace.time[event])) - 1, 0, 2, height);
}

/** The window in the strip. */
export function drawWindow(context, {trace, view, colours}, width, height) {
  const x = (time) => (time - trace.start) / (trace.finish - trace.start) * width;
  const from = Math.max(0, x(view.start));
  const to = Math.min(width, Math.max(x(view.end), from + 2));
  context.fillStyle = colours.page;
  context.globalAlpha = 0.65;
  context.fillRect(0, 0, from, height);
  context.fillRect(to, 0, width - to, height);
  context.globalAlpha = 1;
  context.strokeStyle = colours.accent;
  context.lineWidth = 2;
  context.strokeRect(from + 1, 1, Math.max(1, to - from - 2), height - 2);
}

/** Times, epochs and steps above the lanes. */
export function drawAxis(context, {trace, layout, view, colours}, height) {
  context.fillStyle = colours.panel;
  context.fillRect(0, 0, view.width, height);
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  const from = view.start - trace.start;
  const {first, step} = ticks(from, view.end - trace.start, view.width / 110);
  for (let i = 0; first + i * step <= from + view.span; ++i) {
    const time = first + i * step;
    const x = view.x(time + trace.start);
    context.fillStyle = colours.line;
    context.fillRect(Math.round(x), height - 6, 1, 6);
    context.fillStyle = colours.muted;
    if (time >= 0) context.fillText(moment(time, step, from + view.span), x + 3, height - 9);
  }
  let textEnd = -Infinity;
  const write = (label, time, colour) => {
    const x = Math.max(0, view.x(time)) + 3;
    if (x < textEnd || x > view.width) return;
    context.fillStyle = colour;
    context.fillText(label, x, 8);
    textEnd = x + context.measureText(label).width + 12;
  };
  for (const [label, time] of boundariesIn(layout, view)) write(label, time, colours.text);
}

/** Epochs and steps in the window, and those that it begins in. */
function boundariesIn({epochs: allEpochs, steps: allSteps}, view) {
  const ofEpochs = boundariesBetween(allEpochs, view.start, view.end);
  const ofSteps = boundariesBetween(allSteps, view.start, view.end);
  const epoch = allEpochs[ofEpochs[0] - 1];
  const step = allSteps[ofSteps[0] - 1];
  const labels = [];
  // There is room for a hundred labels or so.
  const some = (list, [first, last]) => {
    const stride = Math.ceil((last - first) / 400);
    return list.slice(first, last).filter((_, i) => (first + i) % stride === 0);
  };
  const epochs = some(allEpochs, ofEpochs);
  const steps = some(allSteps, ofSteps);
  const start = [epoch && `epoch ${epoch.number}`, step && `step ${step.number}`].filter(Boolean);
  if (start.length) labels.push([start.join(', '), view.start]);
  const epochTimes = new Map(epochs.map(({number, time}) => [time, number]));
  const stepTimes = new Set(steps.map(({time}) => time));
  for (const {number, time} of steps) {
    const begun = epochTimes.get(time);
    labels.push([begun === undefined ? `step ${number}` : `epoch ${begun}, step ${number}`, time]);
  }
  for (const {number, time} of epochs) {
    if (!stepTimes.has(time)) labels.push([`epoch ${number}`, time]);
  }
  return labels.sort((a, b) => a[1] - b[1]);
}
