// SPDX-License-Identifier: BSD-3-Clause

// trace_page.mjs PAGE_MAKER FOLDER [EVENTS]: how long the page of a trace takes until it can be
// used, how fast it pans and what a click costs, in Chromium without a screen, 1,280 by 800. Fails
// above 3 seconds, below 30 frames a second or above 100 ms. Start it by
//
//   tests/support/run_node.sh tests/browser build/release/tests/browser bench/trace_page.mjs \
//     build/release/tests/browser/page_maker build/release/tests/browser
import {execFileSync} from 'node:child_process';
import {statSync} from 'node:fs';
import {launch, open} from '../tests/browser/browser.mjs';

const [, , pageMaker, folder, events = '1000000'] = process.argv;
const file = `${folder}/bench.html`;
execFileSync(pageMaker, [events, file]);
console.log(`${events} events, ${(statSync(file).size / 1e6).toFixed(2)} MB`);
const browser = await launch();

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const usable = [];
let page;
for (let run = 0; run < 5; ++run) {
  await page?.close();
  ({page} = await open(browser, file, {viewport: {width: 1280, height: 800}}));
  // From the beginning of the navigation until the first frame was drawn.
  usable.push(await page.evaluate(() => performance.getEntriesByName('usable')[0].startTime));
}
console.log(`usable after ${median(usable).toFixed(0)} ms (median of ${usable.length}), ` +
  `at most ${Math.max(...usable).toFixed(0)} ms`);

/**
 * Frames a second while the mouse drags the lanes to and fro for two seconds. The moves are made
 * in the page, one a frame, so that their way through the driver does not count.
 */
async function pan() {
  const box = await page.locator('#lanes').boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  const times = await page.evaluate(([fromX, fromY]) => new Promise((done) => {
    const drawn = [];
    const frame = (time) => {
      drawn.push(time);
      const turn = drawn.length / 15;
      byId('lanes').dispatchEvent(new PointerEvent('pointermove', {
        pointerId: 1, buttons: 1, clientX: fromX + 400 * Math.sin(turn), clientY: fromY + 100 * Math.sin(turn),
      }));
      if (time - drawn[0] < 2000) requestAnimationFrame(frame);
      else done(drawn);
    };
    requestAnimationFrame(frame);
  }), [x, y]);
  await page.mouse.up();
  const gaps = times.slice(1).map((time, i) => time - times[i]);
  return {rate: 1000 * gaps.length / (times.at(-1) - times[0]), longest: Math.max(...gaps)};
}

let slowest = Infinity;
const scenes = [
  ['half of the trace', 20, 0.5], ['a tenth', 20, 0.1], ['one step', 20, 0.025],
  ['half of the trace, low lanes', 5, 0.5],
];
for (const [name, rowHeight, share] of scenes) {
  await page.evaluate(([height, part]) => {
    view.rowHeight = height;
    view.fit();
    view.zoom(part);
    setRows();
  }, [rowHeight, share]);
  const {rate, longest} = await pan();
  slowest = Math.min(slowest, rate);
  console.log(`panning over ${name}: ${rate.toFixed(1)} frames/s, longest ${longest.toFixed(0)} ms`);
}
// A click near the end, whose past is nearly everything: until the next frame is drawn.
const click = await page.evaluate(() => {
  const times = [];
  for (let i = 1; i <= 5; ++i) {
    const start = performance.now();
    goTo(Math.floor(trace.eventCount * (1 - i / 50)));
    drawFrame();
    times.push(performance.now() - start);
  }
  return times;
});
console.log(`a click takes ${median(click).toFixed(0)} ms (median of ${click.length})`);
const isSlow = median(usable) > 3000 || slowest < 30 || median(click) > 100;
if (isSlow) console.log('too slow');
process.exit(isSlow ? 1 : 0);  // ends Chromium as well, which takes a while to give back gigabytes
