// SPDX-License-Identifier: BSD-3-Clause

// serving_page_test.mjs PROGRAM FOLDER: what a person does with the page of a server. Leaves screenshots in the folder.
import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {after, afterEach, before, test} from 'node:test';
import {launch} from './browser.mjs';

const [, , program, folder] = process.argv;
const work = `${folder}/serving`;
let browser;
let server;
let url;
let page;
let problems = [];

async function open(options = {}) {
  const context = await browser.newContext({viewport: {width: 1100, height: 760}, ...options});
  const opened = await context.newPage();
  opened.on('pageerror', (error) => problems.push(String(error.stack)));
  opened.on('request', (request) => {
    if (!request.url().startsWith(url)) problems.push(`asked for ${request.url()}`);
  });
  await opened.goto(url);
  await opened.waitForFunction(() => document.querySelector('select').value !== '');
  return opened;
}

before(async () => {
  rmSync(work, {recursive: true, force: true});
  mkdirSync(work, {recursive: true});
  const text = Array.from({length: 300}, (_, i) => `${i} sheep jump over ${i % 7} fences. `).join('');
  writeFileSync(`${work}/text.txt`, text);
  execFileSync(program, ['train', '--data', 'text.txt', '--out', 'sheep', '--layers', '1', '--heads', '2', '--width', '32',
                         '--context', '32', '--steps', '200', '--checkpoint-every', '100', '--threads', '1', '--sample-tokens', '0'],
               {cwd: work, stdio: 'ignore'});
  server = spawn(program, ['serve', '--model', 'sheep', '--port', '0'], {cwd: work, stdio: ['ignore', 'pipe', 'inherit']});
  url = await new Promise((resolve, reject) => {
    let said = '';
    server.stdout.on('data', (data) => {
      said += data;
      const found = said.match(/http:\/\/\S+/);
      if (found) resolve(found[0] + '/');
    });
    server.on('exit', () => reject(new Error('the server has ended: ' + said)));
  });
  browser = await launch();
  page = await open();
});
after(async () => {
  await browser?.close();
  server?.kill('SIGKILL');
});
afterEach(() => assert.deepEqual(problems, []));

const finished = (opened) => opened.waitForFunction(() => document.getElementById('stop').disabled);

test('a text is continued token by token, each with its shade, and names its weights', async () => {
  await page.fill('#prompt', '7 sheep');
  await page.fill('#seed', '3');
  await page.fill('#tokens', '40');
  await page.press('#prompt', 'Control+Enter');
  await page.waitForFunction(() => document.querySelectorAll('pre span').length > 10);
  await finished(page);
  const shown = await page.textContent('article:first-child pre');
  assert.ok(shown.startsWith('7 sheep') && shown.length >= 40);
  assert.match(await page.textContent('article:first-child footer'), /^seed 3, weights-[0-9a-f]{64}$/);
  assert.ok(await page.evaluate(() => [...document.querySelectorAll('pre span')].some((span) => span.title.startsWith('log-probability'))));
  await page.screenshot({path: `${folder}/serving.png`});
});

test('another version stands beside it', async () => {
  const earlier = 'sheep@step-100';
  await page.selectOption('article:last-child select', earlier);
  await page.click('#start');
  await page.waitForFunction(() => document.querySelector('article:last-child footer').textContent.includes('-step-100-'));
  await finished(page);
  assert.notEqual(await page.textContent('article:last-child pre'), '7 sheep');
  await page.screenshot({path: `${folder}/serving-two.png`});
});

test('escape stops', async () => {
  await page.fill('#tokens', '1000');
  await page.click('#start');
  await page.waitForFunction(() => document.querySelectorAll('pre span').length > 5);
  await page.keyboard.press('Escape');
  await finished(page);
});

test('what the server refuses is said', async () => {
  await page.fill('#prompt', 'x'.repeat(40));
  await page.click('#start');
  await page.waitForSelector('#problem:not([hidden])');
  assert.match(await page.textContent('#problem'), /context is 32 tokens/);
});

test('it is readable in the dark', async () => {
  const dark = await open({colorScheme: 'dark'});
  await dark.fill('#prompt', '3 sheep');
  await dark.click('#start');
  await finished(dark);
  const background = await dark.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(background, 'rgb(23, 25, 27)');
  await dark.screenshot({path: `${folder}/serving-dark.png`});
  await dark.close();
});
