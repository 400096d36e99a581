// SPDX-License-Identifier: BSD-3-Clause
// Tokens per second of 1, 8 and 32 streams from servers that speak OpenAI's completions, which take turns on an
// otherwise idle machine: medians, and those of the first as multiples of each other's. For llama-server with the same
// model, threads and requests:
//
//   nodezero export out/m --format gguf --out m.gguf
//   llama-server -m m.gguf -t 2 -tb 2 -np 32 -c 8192 --port 8081 & nodezero serve --model out/m --name m --threads 2 &
//   node bench/serving_peers.mjs ROUNDS MODEL http://127.0.0.1:8080 http://127.0.0.1:8081
import http from 'node:http';

const [rounds, model, ...servers] = process.argv.slice(2);
if (servers.length === 0) {
  console.error('usage: node bench/serving_peers.mjs ROUNDS MODEL URL...');
  process.exit(2);
}
const tokens = 200;
const agent = new http.Agent({keepAlive: true, maxSockets: Infinity});

let asked = 0;

/** The tokens that the server says it has generated. No two prompts begin alike, so that none is remembered. */
function stream(server, seed) {
  return new Promise((resolve, reject) => {
    const prompt = String(++asked).split('').reverse().join('').padEnd(32, 'x');
    const body = JSON.stringify({model, prompt, max_tokens: tokens, seed, stream: true,
                                 stream_options: {include_usage: true}});
    const request = http.request(`${server}/v1/completions`, {agent, method: 'POST',
        headers: {'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body)}}, (response) => {
      let received = '';
      response.setEncoding('utf8');
      response.on('data', (data) => { received += data; });
      response.on('end', () => {
        const counted = received.match(/"completion_tokens":\s*(\d+)/);
        if (response.statusCode === 200 && counted) resolve(Number(counted[1]));
        else reject(new Error(`${server}: ${response.statusCode}: ${received.slice(0, 200)}`));
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function rate(server, count) {
  const begin = performance.now();
  const counts = await Promise.all(Array.from({length: count}, (_, seed) => stream(server, seed)));
  return counts.reduce((sum, one) => sum + one, 0) / (performance.now() - begin) * 1000;
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

for (const server of servers) await stream(server, 0);
for (const count of [1, 8, 32]) {
  const rates = servers.map(() => []);
  for (let round = 0; round < Number(rounds); ++round) {
    for (const [index, server] of servers.entries()) rates[index].push(await rate(server, count));
  }
  const medians = rates.map(median);
  console.log(`${String(count).padStart(2)} streams: ` + medians.map((each, index) =>
      `${each.toFixed(0)} tokens/s` + (index > 0 ? ` (${(medians[0] / each).toFixed(2)} x)` : '')).join(', '));
}
agent.destroy();
