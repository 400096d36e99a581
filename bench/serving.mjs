// SPDX-License-Identifier: BSD-3-Clause
// What `nodezero serve` does under load, on an otherwise idle machine: tokens per second of 1, 8 and 32 streams,
// the time to the first token alone and among others, and 500 streams at once with the latency of /health.
//
//   node bench/serving.mjs PROGRAM MODEL [OPTION OF SERVE]...
import {spawn} from 'node:child_process';
import http from 'node:http';
import {Worker} from 'node:worker_threads';

const [program, model, ...options] = process.argv.slice(2);
if (!model) {
  console.error('usage: node bench/serving.mjs PROGRAM MODEL [OPTION OF SERVE]...');
  process.exit(2);
}
const server = spawn(program, ['serve', '--model', model, '--name', 'model', '--port', '0', ...options],
                     {stdio: ['ignore', 'pipe', 'inherit']});
const port = await new Promise((resolve, reject) => {
  let said = '';
  server.stdout.on('data', (data) => {
    said += data;
    const found = said.match(/http:\/\/\S+:(\d+)/);
    if (found) resolve(Number(found[1]));
  });
  server.on('exit', () => reject(new Error('the server has ended')));
});
const agent = new http.Agent({keepAlive: true, maxSockets: Infinity});

/** What a stream has received, and the milliseconds to the first of it. */
function stream(tokens, seed, prompt = 'x'.repeat(32)) {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const body = JSON.stringify({model: 'model', prompt, max_tokens: tokens, seed, logprobs: 0, stream: true});
    const request = http.request({port, agent, method: 'POST', path: '/v1/completions',
                                  headers: {'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body)}});
    request.on('error', reject);
    request.on('response', (response) => {
      let first = null, received = '';
      response.on('data', (data) => {
        first ??= performance.now() - begin;
        received += data;
      });
      response.on('end', () => {
        if (response.statusCode === 200 && received.includes('[DONE]')) resolve({received, first});
        else reject(new Error(`${response.statusCode}: ${received.slice(0, 200)}`));
      });
    });
    request.end(body);
  });
}

function countTokens(received) {
  let count = 0;
  for (const event of received.split('\n\n')) {
    if (event.startsWith('data: {')) count += JSON.parse(event.slice(6)).choices[0].logprobs.tokens.length;
  }
  return count;
}

/** How long /health takes, again and again until `stop`, asked by a thread that has nothing else to do. */
function watchHealth() {
  const worker = new Worker(`
    const http = require('node:http');
    const {parentPort, workerData: port} = require('node:worker_threads');
    const times = [];
    const ask = () => {
      const begin = performance.now();
      http.get({port, agent: false, path: '/health'}, (response) => {
        response.resume();
        response.on('end', () => { times.push(performance.now() - begin); setTimeout(ask, 10); });
      });
    };
    parentPort.on('message', () => { parentPort.postMessage(times); process.exit(); });
    ask();`, {eval: true, workerData: port});
  return () => new Promise((resolve) => {
    worker.on('message', resolve);
    worker.postMessage('stop');
  });
}

const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))];

async function streams(count, tokens) {
  const begin = performance.now();
  const all = await Promise.all(Array.from({length: count}, (_, seed) => stream(tokens, seed)));
  const seconds = (performance.now() - begin) / 1000;
  const firsts = all.map((one) => one.first);
  return {rate: all.reduce((sum, one) => sum + countTokens(one.received), 0) / seconds, median: quantile(firsts, 0.5), worst: quantile(firsts, 0.99)};
}

await streams(32, 2);  // so that it has the memory that it needs, as a server has that has answered before
let alone = null;
for (const count of [1, 8, 32]) {
  const {rate, median, worst} = await streams(count, 100);
  alone ??= {rate, median};
  console.log(`${String(count).padStart(4)} streams  ${rate.toFixed(0).padStart(7)} tokens/s  ${(rate / alone.rate).toFixed(2).padStart(6)} x  ` +
              `first token ${median.toFixed(0)} ms (99 %: ${worst.toFixed(0)} ms)`);
}

// One more prompt while 31 others are being answered.
const others = Promise.all(Array.from({length: 31}, (_, seed) => stream(200, seed)));
const loaded = [];
for (let i = 0; i < 5; ++i) loaded.push((await stream(1, i)).first);
await others;
console.log(`first token of a prompt of 32 tokens: ${alone.median.toFixed(1)} ms alone, ${quantile(loaded, 0.5).toFixed(1)} ms among 31 streams`);

const stop = watchHealth();
await new Promise((resolve) => setTimeout(resolve, 200));
const {rate, worst} = await streams(500, 16);
const latencies = await stop();
console.log(` 500 streams  ${rate.toFixed(0).padStart(7)} tokens/s  first token 99 %: ${worst.toFixed(0)} ms; /health ` +
            `${quantile(latencies, 0.5).toFixed(1)} ms (worst ${Math.max(...latencies).toFixed(1)} ms)`);
agent.destroy();
server.kill('SIGTERM');
