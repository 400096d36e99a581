// SPDX-License-Identifier: BSD-3-Clause

// diff_test.mjs PAGE_MAKER FOLDER: clicks through the page of two traces, in light and dark.
import {execFileSync} from 'node:child_process';
import assert from 'node:assert/strict';
import {launch, open} from './browser.mjs';

const [, , pageMaker, folder] = process.argv;
const file = `${folder}/diff.html`;
execFileSync(pageMaker, ['4000', file, 'diff']);
const browser = await launch();
const size = {viewport: {width: 1280, height: 800}};
const text = (page, id) => page.locator(`#${id}`).textContent();

async function test(name, run) {
  await run();
  console.log(`ok ${name}`);
}

await test('shows the first cause in the middle, with both chains', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const {page, problems} = await open(browser, file, {...size, colorScheme});
    assert.deepEqual(problems, []);
    assert.equal(await text(page, 'cause'), 'difference 1 </script>');
    assert.equal(await text(page, 'which'), '1 of 3, the first cause');
    for (const side of ['a', 'b']) {
      assert.match(await text(page, `chain-${side}`), /node_zero handled report/);
      assert.ok(await page.locator(`#chain-${side} button`).count() > 3);
    }
    const [ruler, above, below] = await Promise.all(['ruler', 'lanes-a', 'lanes-b'].map(
      (id) => page.locator(`#${id}`).boundingBox()));
    assert.ok(above.y + above.height <= ruler.y && ruler.y < below.y);
    assert.equal(Math.round(above.x), Math.round(below.x));
    await page.screenshot({path: `${folder}/diff-${colorScheme}.png`});
    await page.close();
  }
});

const {page, problems} = await open(browser, file, size);

await test('aligns both runs by step, whatever their clocks say', async () => {
  const [most, order] = await page.evaluate(() => {
    const of = traces.map((trace) => anchorsOf(trace));
    let far = 0;
    let rises = true;
    for (const [key, time] of of[0]) far = Math.max(far, Math.abs(of[1].get(key) - time));
    for (const trace of traces) {
      for (let e = 2; e <= trace.eventCount; ++e) rises &&= trace.time[e] >= trace.time[e - 1];
    }
    return [far, rises];
  });
  assert.ok(most < 2, `a step begins ${most} ns apart`);
  assert.ok(order, 'no event comes before an earlier one');
});

await test('both sides show the same window', async () => {
  const windows = () => page.evaluate(() => sides.map(({scene: {view}}) => [view.start, view.end]));
  for (const key of ['w', 'd', 'a', 's', '0']) {
    await page.keyboard.press(key);
    const [left, right] = await windows();
    assert.deepEqual(left, right, key);
  }
});

await test('goes through the differences', async () => {
  await page.click('#next');
  assert.equal(await text(page, 'cause'), 'difference 2 </script>');
  assert.match(await text(page, 'chain-b'), /has no such event/);
  await page.keyboard.press('n');
  assert.equal(await text(page, 'which'), '3 of 3');
  assert.ok(await page.locator('#next').isDisabled());
  await page.click('#to-first');
  assert.equal(await text(page, 'which'), '1 of 3, the first cause');
});

await test('a click on a cause goes there and leaves the other side alone', async () => {
  const before = await text(page, 'chain-b');
  const cause = page.locator('#chain-a button').nth(3);
  const number = Number(await cause.getAttribute('data-event'));
  await cause.click();
  assert.equal(await page.evaluate(() => sides[0].scene.selected), number);
  assert.match(await text(page, 'chain-a'), new RegExp(`^A#${number} `));
  assert.equal(await text(page, 'chain-b'), before);
});

await test('a click on a lane explains what happened there', async () => {
  const at = await page.evaluate(() => {
    const {scene} = sides[1];
    const {view, layout, trace} = scene;
    for (let s = 0; s < layout.slices.total; ++s) {
      const event = layout.slices.event[s];
      const x = view.x((layout.slices.start[s] + layout.slices.end[s]) / 2);
      const y = view.middle(trace.actor[event]);
      if (x > 5 && x < view.width - 5 && y > 5 && y < view.height - 5) return {x, y};
    }
    return null;
  });
  await page.locator('#lanes-b').click({position: at});
  assert.ok(await page.evaluate(() => sides[1].scene.selected) > 0);
  assert.ok(await page.locator('#chain-b button').count() > 0);
});

await test('says where the time went on both sides', async () => {
  await page.click('#metrics-open');
  const rows = await page.locator('#metrics-tables tr').allTextContents();
  assert.ok(rows.some((row) => row.startsWith('compute')), rows.join('\n'));
  assert.ok(rows.some((row) => row.startsWith('lane 0')), rows.join('\n'));
  const [a, b] = await page.evaluate(() => realMetrics.map((metrics) => metrics().types
    .reduce((sum, {busy}) => sum + busy, 0)));
  assert.ok(Math.abs(b / a - 1.5) < 0.01, `${a} ${b}`);
  await page.keyboard.press('Escape');
});

assert.deepEqual(problems, []);
execFileSync(pageMaker, ['0', file, 'diff']);
const empty = await open(browser, file, size);
assert.deepEqual(empty.problems, []);
assert.equal(await text(empty.page, 'cause'), 'The runs do not differ.');
for (const chain of ['chain-a', 'chain-b']) {
  assert.match(await text(empty.page, chain), /Click an event of this run/);
}
console.log('ok two empty traces');
await browser.close();
