// SPDX-License-Identifier: BSD-3-Clause
// How fast a model trains while clients always want more of it, beside how fast it trains when nobody asks: runs in
// turn on an otherwise idle machine, and the median of their steps.
//
//   node bench/serving_share.mjs PROGRAM TEXT FOLDER [SHARE] [CLIENTS] [STEPS] [PAIRS] [OPTION OF TRAIN]...
import {spawn} from 'node:child_process';
import {readFileSync, rmSync} from 'node:fs';
import http from 'node:http';
import {join} from 'node:path';

const [program, text, folder, share = '0.2', clients = '16', steps = '12', pairs = '2', ...options] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node bench/serving_share.mjs PROGRAM TEXT FOLDER [SHARE] [CLIENTS] [STEPS] [PAIRS] [OPTION OF TRAIN]...');
  process.exit(2);
}
const model = options.length > 0 ? options : ['--layers', '6', '--heads', '6', '--width', '384', '--context', '256',
                                              '--batch', '2', '--micro-batches', '4'];
const agent = new http.Agent({keepAlive: true, maxSockets: Infinity});
let generated = 0;

/** The tokens of one answer; null if there is none any more. */
function ask(port, name, seed) {
  return new Promise((resolve) => {
    const body = JSON.stringify({model: name, prompt: 'x'.repeat(32), max_tokens: 100, seed});
    const request = http.request({port, agent, method: 'POST', path: '/v1/completions',
                                  headers: {'Content-Type': 'application/json', 'Content-Length': body.length}});
    request.on('error', () => resolve(null));
    request.on('response', (response) => {
      let received = '';
      response.on('error', () => resolve(null));
      response.on('data', (data) => { received += data; });
      response.on('end', () => resolve(response.statusCode === 200 ? JSON.parse(received).usage.completion_tokens : null));
    });
    request.end(body);
  });
}

/** Seconds of the median step, without the first two. */
async function train(count) {
  const name = 'served';
  const out = join(folder, name);
  rmSync(out, {recursive: true, force: true});
  const child = spawn(program, ['train', '--data', text, '--out', out, ...model, '--steps', steps, '--sample-tokens', '0',
                                '--trace-ring', '0', '--checkpoint-every', '0', '--eval-tokens', '512',
                                '--serve', '0', '--serve-share', share], {stdio: ['ignore', 'pipe', 'inherit']});
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const port = await new Promise((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (data) => {
      said += data;
      const found = said.match(/http:\/\/\S+:(\d+)/);
      if (found) resolve(Number(found[1]));
    });
    ended.then(() => reject(new Error('the run has ended: ' + said)));
  });
  const begin = performance.now();
  generated = 0;
  await Promise.all(Array.from({length: count}, async (_, client) => {
    for (let i = 0; ; ++i) {
      const tokens = await ask(port, name, client * 1000 + i);
      if (tokens === null) return;
      generated += tokens;
    }
  }));
  await ended;
  const seconds = (performance.now() - begin) / 1000;
  const times = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line))
    .slice(2).map((step) => step.tokens_per_second);
  return {speed: times.sort((a, b) => a - b)[Math.floor(times.length / 2)], served: generated / seconds};
}

for (let pair = 0; pair < Number(pairs); ++pair) {
  const alone = await train(0);
  const asked = await train(Number(clients));
  console.log(`${alone.speed.toFixed(0)} tokens/s alone, ${asked.speed.toFixed(0)} with ${clients} clients ` +
              `(${(100 * asked.speed / alone.speed).toFixed(0)} %), which got ${asked.served.toFixed(0)} tokens/s`);
}
agent.destroy();
