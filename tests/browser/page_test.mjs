// SPDX-License-Identifier: BSD-3-Clause

// page_test.mjs PAGE_MAKER FOLDER: what a person does with the page of 100,000 events. Leaves
// screenshots in the folder. The page's own variables say where things are drawn; what is
// checked is what its elements and pixels show.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {after, afterEach, before, beforeEach, test} from 'node:test';
import {launch, open} from './browser.mjs';

const [, , pageMaker, folder] = process.argv;
const file = `${folder}/trace.html`;
let browser;
let page;
let problems;

before(async () => {
  execFileSync(pageMaker, ['100000', file]);
  browser = await launch();
  ({page, problems} = await open(browser, file));
});
after(() => browser?.close());
afterEach(() => assert.deepEqual(problems, []));
beforeEach(async () => {
  await page.evaluate(() => {
    document.activeElement?.blur();
    show(0);
    bar.clear();
    byId('only').checked = false;
    byId('search').value = '';
    bar.search();
    view.closed.clear();
    view.listRows();
    view.fit();
    byId('scroller').scrollTop = 0;
    setRows();
    drawFrame();
  });
});

const text = (selector) => page.locator(selector).innerText();
const span = () => page.evaluate(() => view.span);
/** Lets frames be drawn. */
const settle = () => page.evaluate(() => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(done));
}));

/** Brings a report that node_zero handled into view, wide enough to hit; its place and event. */
async function showReport() {
  const place = await page.evaluate(() => {
    const nodeZero = trace.actors.findIndex(({name}) => name === 'node_zero');
    const {slices} = layout;
    let s = slices.first[nodeZero] + 40;
    while (trace.names[trace.type[slices.event[s]]].text !== 'report') ++s;
    const length = slices.end[s] - slices.start[s];
    view.show(slices.start[s] - 6 * length, slices.end[s] + 6 * length);
    drawFrame();
    const box = byId('lanes').getBoundingClientRect();
    return {
      event: slices.event[s], x: box.left + view.x((slices.start[s] + slices.end[s]) / 2),
      y: box.top + view.middle(nodeZero), type: trace.type[slices.event[s]],
    };
  });
  await settle();
  return place;
}

/** Red, green and blue of the lanes at a point of the window. */
const pixel = (x, y) => page.evaluate(([px, py]) => {
  const canvas = byId('lanes');
  const box = canvas.getBoundingClientRect();
  const ratio = canvas.width / box.width;
  const {data} = canvas.getContext('2d').getImageData((px - box.left) * ratio, (py - box.top) * ratio, 1, 1);
  return [...data.slice(0, 3)];
}, [x, y]);

/** A CSS colour as red, green and blue. */
const rgb = (colour) => page.evaluate((css) => {
  const context = document.createElement('canvas').getContext('2d');
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}, colour);

test('opens with the whole trace, its incompleteness first, and asks for nothing', async () => {
  const other = await open(browser, file);
  assert.deepEqual(other.problems, []);
  assert.equal(await other.page.title(), 'Trace of nodezero 0.1.0');
  await other.page.close();
  assert.match(await text('#facts'), /102,\d{3} events/);
  assert.match(await text('#incomplete'), /not complete: 12 records were lost/);
  assert.equal(await text('#violations'), '2 violations');
  // The planted markup of a name is shown as text.
  assert.match(await text('#panel'), /<\/script><script>/);
  await page.screenshot({path: `${folder}/light.png`});
});

test('shows who spawned whom, and how loaded each is', async () => {
  const rows = await page.locator('#tree .actor:visible').evaluateAll((list) => list.map((row) =>
    [row.querySelector('.name').textContent, row.getAttribute('aria-level'),
      row.querySelector('.amount').textContent]));
  const names = rows.map(([name]) => name);
  assert.deepEqual(names.slice(0, 5), ['outside', 'driver', 'node_zero', 'control 1', 'worker 2']);
  assert.deepEqual(rows.slice(1, 5).map(([, level]) => level), ['1', '2', '3', '4']);
  for (const [name, , amount] of rows.slice(2)) assert.match(amount, /^[\d.]+ [mµ]s$/, name);
  // The sum of what the trace says about node_zero's handlings.
  const total = await page.evaluate(() => {
    let sum = 0;
    for (let e = 1; e <= trace.eventCount; ++e) {
      if (trace.actors[trace.actor[e]].name !== 'node_zero') continue;
      if (trace.kind[e] === Kind.begin) sum -= trace.time[e];
      if (trace.kind[e] === Kind.end) sum += trace.time[e];
    }
    return duration(sum);
  });
  assert.equal(rows[2][2], total);
});

test('closes and opens a sphere by keys', async () => {
  await page.locator('#tree .actor', {hasText: 'control 1'}).first().click();
  await page.locator('#tree').focus();
  await page.keyboard.press('ArrowLeft');
  await settle();
  const closed = page.locator('#tree .actor[aria-expanded=false]');
  assert.equal(await closed.count(), 1);
  assert.equal(await page.locator('#tree .name', {hasText: /^worker 2$/}).count(), 0);
  await page.keyboard.press('ArrowRight');
  await settle();
  assert.equal(await page.locator('#tree .name', {hasText: /^worker 2$/}).count(), 1);
});

test('zooms and moves by keys', async () => {
  const whole = await span();
  await page.keyboard.press('w');
  await page.keyboard.press('+');
  assert.ok(Math.abs(await span() / whole - 0.49) < 1e-6);
  const start = await page.evaluate(() => view.start);
  await page.keyboard.press('d');
  assert.ok(await page.evaluate(() => view.start) > start);
  await page.keyboard.press('ArrowLeft');
  assert.ok(Math.abs(await page.evaluate(() => view.start) - start) < 1);
  await page.keyboard.press('0');
  assert.equal(await span(), whole);
});

test('zooms around the mouse and moves with it', async () => {
  const box = await page.locator('#lanes').boundingBox();
  const [x, y] = [box.x + 300, box.y + 200];
  const at = () => page.evaluate((offset) => view.time(offset), 300);
  const fixed = await at();
  await page.mouse.move(x, y);
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -1500);
  await page.keyboard.up('Control');
  await settle();
  const zoomed = await span();
  assert.ok(zoomed < 3e7);
  assert.ok(Math.abs(await at() - fixed) < zoomed / 1000);
  await page.mouse.down();
  await page.mouse.move(x + 120, y - 60, {steps: 5});
  await page.mouse.up();
  assert.ok(Math.abs(await page.evaluate((offset) => view.time(offset), 420) - fixed) < zoomed / 1000);
  assert.equal(await page.locator('#scroller').evaluate((scroller) => scroller.scrollTop), 60);
  assert.equal(await page.evaluate(() => scene.selected), 0, 'a drag is no click');
});

test('a click shows why an event happened, back to what came from outside', async () => {
  const {event, x, y, type} = await showReport();
  assert.deepEqual(await pixel(x, y - 7), await rgb(await page.evaluate((t) => scene.colours.type[t], type)));
  await page.mouse.click(x, y);
  assert.match(await text('#panel h2'), new RegExp(`^#${event} node_zero handled report from control`));
  const chain = await page.locator('.chain .event').allInnerTexts();
  assert.match(chain[0], /control \d+ reported step \d+ to node_zero/, 'the phrase of its type');
  // The control sphere reported when the last of its twelve children had.
  assert.match(await page.locator('.chain .aside').nth(1).innerText(), /\b11 report\b.* had come before/);
  const numbers = chain.map((line) => Number(/#(\d+)/.exec(line)[1]));
  assert.ok(numbers.every((number, i) => number < (numbers[i - 1] ?? event)));
  assert.match(chain.join('\n'), /node_zero sent assign to control/);
  assert.match(chain.at(-2), /driver sent begin_step to node_zero/);
  assert.match(chain.at(-1), /outside spawned driver/);
  await page.keyboard.press('c');
  assert.match(await text('#panel h2'), new RegExp(`^#${numbers[0]} `));
  await settle();
  await page.screenshot({path: `${folder}/selected.png`});
  // The line of the message that led to it.
  const isDrawn = await page.evaluate(() => {
    const send = scene.selected;
    const begin = trace.begun[trace.message[send]];
    const share = 0.05;
    const along = (a, b) => a + share * (b - a);
    const canvas = byId('lanes');
    const ratio = canvas.width / view.width;
    const [from, to] = [send, begin].map((e) => [view.x(trace.time[e]), view.middle(trace.actor[e])]);
    const {data} = canvas.getContext('2d').getImageData(
      along(from[0], to[0]) * ratio - 3, along(from[1], to[1]) * ratio - 3, 7, 7);
    const probe = new OffscreenCanvas(1, 1).getContext('2d');
    probe.fillStyle = scene.colours.accent;
    probe.fillRect(0, 0, 1, 1);
    const accent = probe.getImageData(0, 0, 1, 1).data;
    return Array.from({length: 49}, (_, i) => i * 4).some((i) =>
      [0, 1, 2].every((part) => Math.abs(data[i + part] - accent[part]) < 20));
  });
  assert.ok(isDrawn, 'a line from where it was sent to where it was handled');
  await page.keyboard.press('Escape');
  assert.equal(await text('#panel h2'), 'The whole trace');
});

test('the past that it lights is what happened before, by a plain search of the graph', async () => {
  const differences = await page.evaluate(() => {
    const wrong = [];
    for (const event of [400, 5000, 20011, trace.eventCount - 1]) {
      const past = new Set([event]);  // by all edges, one event at a time
      const waiting = [event];
      const before = new Uint32Array(trace.eventCount + 1);
      const latest = new Uint32Array(trace.actors.length);
      for (let e = 1; e <= trace.eventCount; ++e) {
        if (trace.actor[e]) before[e] = latest[trace.actor[e]];
        latest[trace.actor[e]] = e;
      }
      while (waiting.length) {
        const e = waiting.pop();
        const isReceived = trace.kind[e] === Kind.begin || trace.kind[e] === Kind.drop;
        for (const cause of [before[e], isReceived ? trace.sent[trace.message[e]] : 0]) {
          if (!cause || past.has(cause)) continue;
          past.add(cause);
          waiting.push(cause);
        }
      }
      const found = causalPast(trace, event);
      for (let e = 1; e <= trace.eventCount; ++e) {
        if (!trace.actor[e]) continue;
        if (past.has(e) !== (e <= found[trace.actor[e]])) wrong.push([event, e]);
      }
    }
    return wrong.slice(0, 5);
  });
  assert.deepEqual(differences, []);
});

test('filters by epoch, step, actor and type, alone and together', async () => {
  const passed = async () => {
    await settle();
    return Number((await text('#passed')).split(' ')[0].replaceAll(',', ''));
  };
  const count = (test) => page.evaluate(`(() => { let n = 0;
    const named = (e, name) => actorName(trace, trace.actor[e]) === name || actorName(trace, trace.peer[e]) === name;
    for (let e = 1; e <= trace.eventCount; ++e) if (${test}) ++n;
    return n; })()`);
  await page.selectOption('#epoch', '2');
  assert.equal(await passed(), await count('trace.epoch[e] === 2'));
  await page.fill('#step', '13-14');
  const both = await passed();
  assert.equal(both, await count('trace.step[e] >= 13 && trace.step[e] <= 14'));
  assert.ok(both > 4000);
  await page.fill('#actor', 'worker 3');
  const few = await passed();
  assert.equal(few, await count("trace.step[e] >= 13 && trace.step[e] <= 14 && named(e, 'worker 3')"));
  await page.check('#only');
  await settle();
  assert.ok(await page.evaluate(() => view.rows.length) < 10);
  await page.screenshot({path: `${folder}/filtered.png`});
  await page.uncheck('#only');
  await page.locator('#types summary').click();
  await page.click('#types-none');
  await page.locator('#type-list label', {hasText: 'computed'}).click();
  const one = await passed();
  assert.ok(one > 0 && one < few);
  await page.screenshot({path: `${folder}/types.png`});
  await page.fill('#step', 'many');
  assert.equal(await page.getAttribute('#step', 'aria-invalid'), 'true');
  await page.click('#clear');
  assert.equal(await text('#passed'), '');
});

test('what does not pass the filter is dimmed', async () => {
  const {x, y} = await showReport();
  await page.fill('#actor', 'corpus');
  await settle();
  assert.deepEqual(await pixel(x, y - 7), await rgb(await page.evaluate(() => scene.colours.faint)));
});

test('search finds types, actors, kinds, fields and numbers, and goes through them', async () => {
  const found = async (query) => {
    await page.fill('#search', query);
    return text('#found');
  };
  assert.equal(await found('optimizer_complete send'), '38 found');
  assert.equal(await found('optimizer_complete send epoch=2'), '12 found');
  assert.equal(await found('#500'), '1 found');
  assert.equal(await found('nobody'), 'nothing found');
  await found('apply begin optimizer');
  await page.keyboard.press('Enter');
  assert.match(await text('#panel h2'), /optimizer handled apply from node_zero/);
  assert.match(await text('#found'), /^1 of 38$/);
  await page.keyboard.press('Shift+Enter');
  assert.match(await text('#found'), /^38 of 38$/);
  const isSeen = await page.evaluate(() => trace.time[scene.selected] > view.start &&
    trace.time[scene.selected] < view.end && view.middle(trace.actor[scene.selected]) < view.height);
  assert.ok(isSeen, 'what is found is brought onto the screen');
});

test('marks violations and leads to their events', async () => {
  await page.click('#violations');
  assert.match(await text('#panel'), /one-report-a-step\s+a child reported the same step twice/);
  await page.locator('.violation .event').first().click();
  await settle();
  assert.match(await text('#panel .violation'), /one-report-a-step/);
  const [x, y] = await page.evaluate(() => {
    const box = byId('lanes').getBoundingClientRect();
    const place = placeOf(trace, layout, view, scene.selected);
    return [box.left + place.x, box.top + place.y - 3];
  });
  assert.deepEqual(await pixel(x, y), await rgb(await page.evaluate(() => scene.colours.danger)), 'its flag');
});

test('light and dark follow the system until one is chosen', async () => {
  const dark = await open(browser, file, {colorScheme: 'dark'});
  const back = () => dark.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(await back(), 'rgb(20, 23, 27)');
  await dark.page.screenshot({path: `${folder}/dark.png`});
  await dark.page.click('#theme');
  assert.equal(await back(), 'rgb(252, 252, 251)');
  await dark.page.keyboard.press('t');
  assert.equal(await back(), 'rgb(20, 23, 27)');
  assert.deepEqual(dark.problems, []);
  await dark.page.close();
});

test('texts stand out from what is behind them in both themes', async () => {
  for (const theme of ['light', 'dark']) {
    const low = await page.evaluate((name) => {
      chooseTheme(name);
      readTheme();
      const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
      const luminance = (colour) => {
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((byte) => byte / 255)
          .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const style = getComputedStyle(document.documentElement);
      const colour = (variable) => style.getPropertyValue(`--${variable}`).trim();
      const pairs = [['text', 'page'], ['text', 'panel'], ['muted', 'page'], ['muted', 'panel'],
        ['muted', 'field'], ['accent', 'page'], ['accent', 'row'], ['danger', 'danger-back'],
        ['text', 'danger-back'], ['muted', 'danger-back'], ['warning', 'warning-back'], ['text', 'bar']]
        .map((pair) => pair.map(colour));
      for (const type of scene.colours.type) pairs.push([colour('slice-text'), type]);
      return pairs.map(([a, b]) => {
        const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
        return [(x + 0.05) / (y + 0.05), a, b];
      }).filter(([ratio]) => ratio < 4.5);
    }, theme);
    assert.deepEqual(low, [], theme);
  }
});

test('every control has a name', async () => {
  const nameless = await page.evaluate(() => [...document.querySelectorAll('button, input, select, summary, canvas, [tabindex="0"]')]
    .filter((element) => !element.getAttribute('aria-label') && !element.labels?.length &&
      !element.textContent.trim()).map((element) => element.outerHTML));
  assert.deepEqual(nameless, []);
});

test('fits small screens', async () => {
  const small = await open(browser, file, {viewport: {width: 390, height: 800}});
  await small.page.keyboard.press('w');
  assert.equal(await small.page.evaluate(() => document.documentElement.scrollWidth), 390);
  assert.ok((await small.page.locator('#panel').boundingBox()).height > 200);
  assert.ok((await small.page.locator('#lanes').boundingBox()).width > 200);
  await small.page.screenshot({path: `${folder}/small.png`});
  await small.page.close();
});

test('a trace without events says so', async () => {
  execFileSync(pageMaker, ['0', `${folder}/empty.html`]);
  const empty = await open(browser, `${folder}/empty.html`);
  assert.equal(await empty.page.locator('#empty').innerText(), 'The trace has no events.');
  await empty.page.keyboard.press('w');
  assert.deepEqual(empty.problems, []);
  await empty.page.close();
});
