// SPDX-License-Identifier: BSD-3-Clause

// diff_page.mjs PAGE_MAKER FOLDER [EVENTS]: how long the page of two traces takes until it can be used,
// and what a click costs, in Chromium without a screen, 1,280 by 800. Fails above 3 seconds or
// 100 ms. 2,200,000 events a trace are 50 MB each. Start it by
//
//   tests/support/run_node.sh tests/browser build/release/tests/browser bench/diff_page.mjs \
//     build/release/tests/browser/page_maker build/release/tests/browser
import {execFileSync} from 'node:child_process';
import {statSync} from 'node:fs';
import {launch, open} from '../tests/browser/browser.mjs';

const [, , pageMaker, folder, events = '2200000'] = process.argv;
const file = `${folder}/bench-diff.html`;
execFileSync(pageMaker, [events, file, 'diff']);
console.log(`2 x ${events} events, ${(statSync(file).size / 1e6).toFixed(0)} MB`);
const browser = await launch();
const {page} = await open(browser, file, {viewport: {width: 1280, height: 800}});
const usable = await page.evaluate(() => performance.getEntriesByName('usable')[0].startTime);
console.log(`usable after ${usable.toFixed(0)} ms`);
const clicks = await page.evaluate(() => {
  const times = [];
  for (let i = 0; i < 9; ++i) {
    const start = performance.now();
    const side = i % 2;
    const event = Math.floor(traces[side].eventCount * (0.9 - i / 50));
    show(side, event);
    bringIntoView(side, event);
    drawFrame();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b);
});
console.log(`a click takes ${clicks[4].toFixed(0)} ms (median), at most ${clicks[8].toFixed(0)} ms`);
const isSlow = usable > 3000 || clicks[4] > 100;
if (isSlow) console.log('too slow');
process.exit(isSlow ? 1 : 0);  // ends Chromium as well, which takes a while to give back gigabytes
