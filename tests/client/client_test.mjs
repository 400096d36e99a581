// SPDX-License-Identifier: BSD-3-Clause
// nodezero serve, asked by OpenAI's client: node client_test.mjs PROGRAM FOLDER
import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';

const require = createRequire(join(process.env.NODE_PACKAGES, 'package.json'));
const OpenAI = require('openai');
const [program, folder] = process.argv.slice(2);

// A model of bytes, as small as models get.
const work = join(folder, 'work');
rmSync(work, {recursive: true, force: true});
mkdirSync(work);
const text = Array.from({length: 400}, (_, i) => `${i} sheep jump over ${i % 7} fences. `).join('');
writeFileSync(join(work, 'text.txt'), text);
const run = (...args) => execFileSync(program, args, {cwd: work, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']});
run('train', '--data', 'text.txt', '--out', 'sheep', '--layers', '1', '--heads', '2', '--width', '16',
    '--context', '32', '--steps', '30', '--threads', '1', '--sample-tokens', '0');
const offline = (prompt, tokens, seed) =>
  run('generate', '--model', 'sheep', '--prompt', prompt, '--tokens', String(tokens), '--temperature', '1',
      '--seed', String(seed)).slice(prompt.length);
/** As a decoder that replaces what is not UTF-8 would have it; compare only texts without such bytes. */
const isPlain = (value) => !value.includes('\uFFFD');

writeFileSync(join(work, 'key'), 'secret\n');
const server = spawn(program, ['serve', '--model', 'sheep', '--port', '0', '--api-key-file', 'key', '--queue', '40',
                               '--max-tokens', '1000000'],
                     {cwd: work, stdio: ['ignore', 'pipe', 'inherit']});
const ended = new Promise((resolve) => server.on('exit', (code) => resolve(code)));
const url = await new Promise((resolve, reject) => {
  let said = '';
  server.stdout.on('data', (data) => {
    said += data;
    const found = said.match(/http:\/\/\S+/);
    if (found) resolve(found[0]);
  });
  server.on('exit', () => reject(new Error('the server has ended: ' + said)));
});
const options = {baseURL: url + '/v1', maxRetries: 0};
const client = new OpenAI({...options, apiKey: 'secret'});
const completions = client.completions;
const base = {model: 'sheep', prompt: '7 sheep', max_tokens: 12, seed: 5};

async function fails(status, code, params) {
  const error = await completions.create({...base, ...params}).then(() => null, (e) => e);
  assert.ok(error instanceof OpenAI.APIError, `no error for ${JSON.stringify(params)}`);
  assert.equal(error.status, status);
  if (code) assert.equal(error.code, code);
  return error;
}

async function metric(name) {
  const response = await fetch(url + '/metrics', {headers: {Authorization: 'Bearer secret'}});
  return Number((await response.text()).match(new RegExp(`^${name} (.*)$`, 'm'))[1]);
}

const tests = {
  async list() {
    const models = await client.models.list();
    assert.deepEqual(models.data.map((model) => model.id), ['sheep', 'sheep@step-30']);
    assert.equal((await client.models.retrieve('sheep')).object, 'model');
  },
  async plain() {
    const answer = await completions.create(base);
    assert.equal(answer.object, 'text_completion');
    assert.equal(answer.choices[0].finish_reason, 'length');
    assert.deepEqual(answer.usage, {prompt_tokens: 7, completion_tokens: 12, total_tokens: 19});
    assert.match(answer.system_fingerprint, /^weights-[0-9a-f]{64}$/);
    const expected = offline(base.prompt, 12, 5);
    if (isPlain(expected)) assert.equal(answer.choices[0].text, expected);
  },
  async stream() {
    const stream = await completions.create({...base, max_tokens: 40, stream: true, stream_options: {include_usage: true}});
    let streamed = '', usage = null, reason = null;
    for await (const chunk of stream) {
      streamed += chunk.choices[0]?.text ?? '';
      reason ??= chunk.choices[0]?.finish_reason;
      usage ??= chunk.usage;
    }
    assert.equal(streamed, (await completions.create({...base, max_tokens: 40})).choices[0].text);
    assert.equal(reason, 'length');
    assert.equal(usage.completion_tokens, 40);
  },
  async manyPromptsAndChoices() {
    const answer = await completions.create({...base, prompt: ['a', 'b'], n: 2});
    assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1, 2, 3]);
    const one = await completions.create({...base, prompt: 'b', seed: 5 + 3});
    assert.equal(answer.choices[3].text, one.choices[0].text);
    const ids = await completions.create({...base, prompt: [98], seed: 5 + 3});
    assert.equal(ids.choices[0].text, one.choices[0].text);
  },
  async seed() {
    const one = await completions.create({...base, seed: undefined});
    const same = await completions.create({...base, seed: one.choices[0].seed});
    assert.equal(one.choices[0].text, same.choices[0].text);
  },
  async stop() {
    const whole = (await completions.create({...base, max_tokens: 60})).choices[0].text;
    const stop = [...whole].slice(20, 22).join('');
    const answer = (await completions.create({...base, max_tokens: 60, stop})).choices[0];
    assert.equal(answer.text, whole.slice(0, whole.indexOf(stop)));
    assert.equal(answer.finish_reason, 'stop');
  },
  async earlierVersion() {
    const answer = await completions.create({...base, model: 'sheep@step-30'});
    assert.match(answer.system_fingerprint, /^run-[0-9a-f]{16}-step-30-version-30-weights-[0-9a-f]{64}$/);
    assert.equal(answer.choices[0].text, (await completions.create(base)).choices[0].text);
    await fails(404, 'model_not_found', {model: 'sheep@step-29'});
  },
  async logProbabilities() {
    const {logprobs, text} = (await completions.create({...base, logprobs: 2})).choices[0];
    assert.equal(logprobs.tokens.length, 12);
    assert.ok(logprobs.token_logprobs.every((value) => value < 0));
    assert.ok(logprobs.top_logprobs.every((top) => Object.keys(top).length >= 2));
    assert.equal(logprobs.text_offset[0], 0);
    assert.ok(text.length > 0);
  },
  async echo() {
    const {text, logprobs} = (await completions.create({...base, echo: true, logprobs: 0, max_tokens: 0})).choices[0];
    assert.equal(text, base.prompt);
    assert.equal(logprobs.token_logprobs[0], null);
    assert.equal(logprobs.tokens.join(''), base.prompt);
    const lines = run('generate', '--model', 'sheep', '--prompt', base.prompt, '--tokens', '0', '--logprobs')
      .trim().split('\n').map((line) => JSON.parse(line));
    // To the bit: both are the shortest decimals that are read as the same number.
    assert.deepEqual(logprobs.token_logprobs.slice(1), lines.slice(1).map((line) => line.logprob));
  },
  async cancel() {
    const stream = await completions.create({...base, max_tokens: 4000, stream: true});
    for await (const chunk of stream) if (chunk.choices[0].text) break;
    await completions.create(base);  // it is answered
  },
  async errors() {
    await fails(404, 'model_not_found', {model: 'goats'});
    await fails(400, 'context_length_exceeded', {prompt: 'x'.repeat(33)});
    assert.equal((await fails(400, null, {temperature: -1})).param, 'temperature');
    assert.equal((await fails(400, null, {suffix: 'x'})).param, 'suffix');
    assert.equal((await fails(400, null, {n: 41})).param, 'n');  // more than the queue ever holds
    await fails(413, null, {prompt: 'x'.repeat(2_000_000)});
    const stranger = new OpenAI({...options, apiKey: 'guess'});
    await assert.rejects(stranger.models.list(), (e) => e.status === 401);
    await assert.rejects(client.chat.completions.create({model: 'sheep', messages: []}), (e) => e.status === 404);
  },
  async queue() {
    // Not a stream, which would have to be read: this one takes the whole queue until it is aborted.
    const all = new AbortController();
    const aborted = assert.rejects(completions.create({...base, n: 40, max_tokens: 1_000_000}, {signal: all.signal}),
                                   OpenAI.APIUserAbortError);
    while (await metric('nodezero_open_choices') < 40);
    assert.equal((await fails(429, 'queue_full', {})).headers.get('retry-after'), '1');
    all.abort();
    await aborted;
    const patient = new OpenAI({...options, apiKey: 'secret', maxRetries: 5});
    await patient.completions.create(base);  // as soon as the server has noticed
  },
  async drain() {
    const stream = await completions.create({...base, max_tokens: 4000, stream: true});
    let reason = null, told = false;
    for await (const chunk of stream) {
      if (!told) server.kill('SIGTERM');
      told = true;
      reason = chunk.choices[0].finish_reason;
    }
    assert.equal(reason, 'length');
    assert.equal(await ended, 0);
  },
};

for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok ${name}`);
  } catch (error) {
    console.error(`FAILED ${name}:`, error);
    server.kill('SIGKILL');
    process.exit(1);
  }
}
