// SPDX-License-Identifier: BSD-3-Clause
// Runs that answer while they train: every answer is what `nodezero generate` gives from the checkpoint of the version
// that the answer names, and a run ends with the same weights whoever asks and however often it is killed.
//
//   node served_versions.mjs PROGRAM FOLDER [ANSWERS] [CLIENTS] [KILLS]
import assert from 'node:assert/strict';
import {execFile, execFileSync, spawn} from 'node:child_process';
import {existsSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import http from 'node:http';
import {join} from 'node:path';
import {promisify} from 'node:util';

const [program, folder, ...numbers] = process.argv.slice(2);
const [answers, clients, kills] = [30, 8, 1].map((least, i) => Number(numbers[i] ?? least));

// Characters, so that no text has half of one. Steps take longer than saving one does, most of the time.
const work = join(folder, 'versions');
rmSync(work, {recursive: true, force: true});
mkdirSync(work, {recursive: true});
const text = Array.from({length: 900}, (_, i) => `${i} sheep jump over ${i % 7} fences. `).join('');
writeFileSync(join(work, 'text.txt'), text);
const plan = ['--data', 'text.txt', '--tokenizer', 'chars', '--layers', '1', '--heads', '2', '--width', '16',
              '--context', '24', '--batch', '4', '--micro-batches', '12', '--sample-tokens', '0', '--trace-ring', '0',
              '--threads', '2'];
const run = (...args) => execFileSync(program, args, {cwd: work, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']});
const digests = (out) => run('digest', out);

/** A random number below n, the same in every run of this script. */
let state = 1;
const draw = (n) => {
  state = (state * 48271) % 0x7fffffff;
  return state % n;
};

/** Trains with --serve; `ready` becomes its port, `ended` its exit code. */
function train(...args) {
  const child = spawn(program, ['train', ...plan, '--serve', '0', ...args], {cwd: work, stdio: ['ignore', 'pipe', 'pipe']});
  let said = '';
  const ready = new Promise((resolve, reject) => {
    const hear = (data) => {
      said += data;
      const found = said.match(/http:\/\/\S+:(\d+)/);
      if (found) resolve(Number(found[1]));
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('exit', () => reject(new Error('the run has ended: ' + said)));
  });
  const ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
  return {child, ready, ended};
}

const agent = new http.Agent({keepAlive: true, maxSockets: Infinity});

/** The answer, or null if the run does not answer any more. */
function ask(port, question) {
  return new Promise((resolve) => {
    const body = JSON.stringify({model: question.model, prompt: question.prompt, max_tokens: question.tokens,
                                 temperature: question.temperature, top_k: question.topK, seed: question.seed});
    const request = http.request({port, agent, method: 'POST', path: '/v1/completions',
                                  headers: {'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body)}});
    // The server may close a connection that has been idle while it is used again.
    request.on('error', (error) =>
      resolve(request.reusedSocket && error.code === 'ECONNRESET' ? ask(port, question) : null));
    request.on('response', (response) => {
      let received = '';
      response.setEncoding('utf8');
      response.on('error', () => resolve(null));
      response.on('data', (data) => { received += data; });
      response.on('end', () => {
        if (response.statusCode === 200) resolve({...question, ...JSON.parse(received).choices[0]});
        else if (response.statusCode === 503) resolve(null);
        else assert.fail(`${response.statusCode}: ${received}`);
      });
    });
    request.end(body);
  });
}

/** Asks with many clients until `isEnough()` or the run ends. */
async function askAll(port, model, count, isEnough, take = () => {}) {
  const client = async () => {
    while (!isEnough()) {
      const answer = await ask(port, {model, prompt: text.slice(draw(2000)).slice(0, 1 + draw(20)), tokens: 1 + draw(40),
                                      temperature: draw(3) / 2, topK: draw(2) * 5, seed: draw(1e9)});
      if (!answer) return;
      take(answer);
    }
  };
  await Promise.all(Array.from({length: count}, client));
}

const stepOf = (version) => Number(version.match(/^run-[0-9a-f]{16}-step-(\d+)-version-\d+/)[1]);
const checkpointOf = (out, step) => join(out, 'checkpoints', 'step-' + String(step).padStart(8, '0'));

async function eachAnswerIsOfTheVersionThatItNames() {
  const {child, ready, ended} = train('--out', 'kept', '--steps', '100000000', '--checkpoint-every', '1', '--keep', '1000000');
  const got = [];
  // A save that falls due while another is written is skipped: answers of such versions do not count.
  const asked = new Map(), saved = new Set();
  let compared = 0, nextLook = 0;
  const take = (answer) => {
    got.push(answer);
    const step = stepOf(answer.version);
    if (saved.has(step)) ++compared;
    else asked.set(step, (asked.get(step) ?? 0) + 1);
    if (performance.now() < nextLook) return;
    for (const [of, count] of asked) {
      if (of < step - 2 && existsSync(join(work, checkpointOf('kept', of)))) {
        saved.add(of);
        compared += count;
        asked.delete(of);
      } else if (of < step - 5000) asked.delete(of);  // it was skipped
    }
    nextLook = performance.now() + 200;
  };
  await askAll(await ready, 'kept', clients, () => compared >= answers && saved.size >= 5, take);
  child.kill('SIGTERM');
  await ended;
  const generate = promisify(execFile);
  compared = 0;
  for (const answer of got.filter(({version}) => saved.has(stepOf(version)))) {
    const of = checkpointOf('kept', stepOf(answer.version));
    const {stdout} = await generate(program, ['generate', '--model', of, '--prompt', answer.prompt, '--tokens',
      String(answer.tokens), '--temperature', String(answer.temperature), '--top-k', String(answer.topK), '--seed',
      String(answer.seed)], {cwd: work, encoding: 'utf8'});
    assert.equal(answer.prompt + answer.text, stdout, `from ${answer.version}`);
    const digest = answer.version.match(/-weights-([0-9a-f]+)$/)?.[1];
    assert.ok(digest && digests(of).includes(digest), `the digest of ${answer.version}`);
    ++compared;
  }
  assert.ok(compared >= answers);
  console.log(`ok: ${compared} of ${got.length} answers, of ${saved.size} versions that were saved, are what each of them generates`);
}

async function everyRunEndsWithTheSameWeights() {
  const short = ['--steps', '60', '--checkpoint-every', '7', '--keep', '2'];
  run('train', ...plan, ...short, '--out', 'alone');
  const expected = digests('alone');
  for (const count of [0, 1, clients]) {
    const out = `asked-${count}`;
    const {ready, ended} = train(...short, '--out', out);
    await askAll(await ready, out, count, () => false);
    assert.equal(await ended, 0);
    assert.equal(digests(out), expected, `with ${count} clients`);
  }
  for (let i = 0; i < kills; ++i) {
    const out = `killed-${i}`;
    let left = 5 + draw(20 * clients);  // answers until it is killed
    const first = train(...short, '--out', out);
    await askAll(await first.ready, out, clients, () => false, () => {
      if (--left === 0) first.child.kill('SIGKILL');
    });
    await first.ended;
    if (existsSync(join(work, out, 'model.safetensors')) && left <= 0) {
      const second = train(...short, '--out', out, '--resume');
      const port = await second.ready.catch(() => null);  // it had ended already
      if (port) await askAll(port, out, clients, () => false);
      await second.ended;
    } else if (left <= 0) {
      rmSync(join(work, out), {recursive: true});
      run('train', ...plan, ...short, '--out', out);  // it had saved nothing
    }
    assert.equal(digests(out), expected, `killed and resumed, time ${i + 1}`);
  }
  console.log(`ok: the same weights with 0, 1 and ${clients} clients, and after ${kills} kills under load`);
}

await eachAnswerIsOfTheVersionThatItNames();
await everyRunEndsWithTheSameWeights();
agent.destroy();
