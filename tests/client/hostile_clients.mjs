// SPDX-License-Identifier: BSD-3-Clause
// Clients that mean no good, all at once, and what others notice of them: /health answers within 100 ms, a stream has
// the text that it has alone, and the server's memory stays bounded. Then how soon a client that leaves frees its lane.
//
//   node hostile_clients.mjs PROGRAM FOLDER [IDLE CONNECTIONS]
import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import {join} from 'node:path';

const [program, folder, idleConnections = '10000'] = process.argv.slice(2);
const most = Number(idleConnections);
const work = join(folder, 'hostile');
rmSync(work, {recursive: true, force: true});
mkdirSync(work, {recursive: true});
writeFileSync(join(work, 'text.txt'), Array.from({length: 400}, (_, i) => `${i} sheep jump over ${i % 7} fences. `).join(''));
execFileSync(program, ['train', '--data', 'text.txt', '--out', 'sheep', '--layers', '1', '--heads', '2', '--width', '16',
                       '--context', '32', '--steps', '30', '--threads', '1', '--sample-tokens', '0'],
             {cwd: work, stdio: 'ignore'});
const server = spawn(program, ['serve', '--model', 'sheep', '--port', '0', '--threads', '1', '--max-tokens', '1000000',
                               '--connections', String(most + 200)],
                     {cwd: work, stdio: ['ignore', 'pipe', 'inherit']});
const port = await new Promise((resolve, reject) => {
  let said = '';
  server.stdout.on('data', (data) => {
    said += data;
    const found = said.match(/http:\/\/\S+:(\d+)/);
    if (found) resolve(Number(found[1]));
  });
  server.on('exit', () => reject(new Error('the server has ended: ' + said)));
});
const memory = () => Number(readFileSync(`/proc/${server.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) / 1024;

const open = new Set();
/** A connection whose bytes are thrown away; resolved once it is there. */
function connect(bytes = '') {
  return new Promise((resolve) => {
    const socket = net.connect({port, allowHalfOpen: true}, () => {
      if (bytes) socket.write(bytes);
      resolve(socket);
    });
    open.add(socket);
    socket.on('error', () => resolve(socket)).on('close', () => open.delete(socket)).resume();
  });
}

/** Sends the bytes again and again until the server has had enough. */
async function flood(head, bytes) {
  const socket = await connect(head);
  const more = () => {
    while (open.has(socket) && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
}

function get(path) {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    http.get({port, agent: false, path}, (response) => {
      let text = '';
      response.on('data', (data) => { text += data; });
      response.on('end', () => resolve({text, time: performance.now() - begin, status: response.statusCode}));
    }).on('error', reject);
  });
}

const question = (more) => JSON.stringify({model: 'sheep', prompt: '7 sheep', seed: 5, ...more});
function post(body, take = () => {}) {
  let request;
  const answer = new Promise((resolve, reject) => {
    request = http.request({port, agent: false, method: 'POST', path: '/v1/completions',
                            headers: {'Content-Type': 'application/json'}}, (response) => {
      let text = '';
      response.on('data', (data) => { text += data; take(request); });
      response.on('end', () => resolve({text, status: response.statusCode}));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);  // in chunks
  });
  return answer;
}
const textOf = async () => JSON.parse((await post(question({max_tokens: 40}))).text).choices[0].text;

const head = (more) => `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${more}\r\n`;
const endless = question({max_tokens: 1000000, stream: true, logprobs: 5});
const hostile = {
  'slow headers': () => connect('GET /health HTTP/1.1\r\nHost: loc'),
  'headers without an end': () => flood('GET / HTTP/1.1\r\n', 'X: '.padEnd(1000, 'x') + '\r\n'),
  'bodies without an end': () => flood(head('Content-Length: 999999\r\n'), ' '.repeat(10000)),
  'chunks without an end': () => flood(head('Transfer-Encoding: chunked\r\n'), '2710\r\n' + ' '.repeat(10000) + '\r\n'),
  'lengths that lie': () => connect(head('Content-Length: 1000\r\n') + '{}'),
  'bodies longer than they say': () => connect(head('Content-Length: 2\r\n') + '{}'.repeat(1000)),
  'half-open connections': async () => (await connect(head(`Content-Length: ${endless.length}\r\n`) + endless)).end(),
  'answers that nobody reads': async () => (await connect(head(`Content-Length: ${endless.length}\r\n`) + endless)).pause(),
  'requests without waiting': () => flood('', 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(100)),
  'requests without an end of line': () => flood('', 'GET / HTTP/1.1\n'),
  'foreign hosts': () => flood('', 'GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n'),
  'foreign origins': () => flood('', 'GET /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n'),
  'injected headers': () => connect('GET /v1/models/x%0d%0aEvil:%201 HTTP/1.1\r\nHost: localhost\r\n\r\n'),
};

const expected = await textOf();
const before = memory();
const kinds = Object.values(hostile);
for (let i = 0; i < 5; ++i) for (const begin of kinds) await begin();
const latencies = [];
for (let i = 0; i < 100; ++i) latencies.push((await get('/health')).time);
assert.equal(await textOf(), expected);
const report = (what) => {
  const worst = Math.max(...latencies);
  console.log(`${what}: /health at worst ${worst.toFixed(1)} ms, the server takes ${memory().toFixed(0)} MB (${before.toFixed(0)} before)`);
  assert.ok(worst < 100, 'others must be answered within 100 ms');
};
report(`${kinds.length} kinds of hostile clients, ${open.size} of them still there`);
for (const socket of open) socket.destroy();

latencies.length = 0;
let opened = 0;
while (opened < most) {
  await Promise.all(Array.from({length: 100}, () => connect()));
  opened += 100;
  latencies.push((await get('/health')).time);
}
assert.equal(await textOf(), expected);
report(`${opened} idle connections`);
for (const socket of open) socket.destroy();

const frees = [];
for (let i = 0; i < 20; ++i) {
  let left = 0;
  await post(question({max_tokens: 1000000, stream: true}), (request) => {
    left ||= performance.now();
    request.destroy();
  }).catch(() => {});
  while (!(await get('/metrics')).text.includes('nodezero_open_choices 0\n'));
  frees.push(performance.now() - left);
}
console.log(`a client that leaves frees its lane after ${Math.max(...frees).toFixed(1)} ms at worst, of ${frees.length}`);
assert.ok(Math.max(...frees) < 100);
server.kill('SIGTERM');
