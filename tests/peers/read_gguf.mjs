// SPDX-License-Identifier: BSD-3-Clause

// Reads the GGUF files that scripts/check-interop.sh has made with @huggingface/gguf, and generates with
// them in node-llama-cpp.  usage: NODE_MODULES=FOLDER node read_gguf.mjs DIR

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const modules = process.env.NODE_MODULES;
const load = async (name, entry) => import(pathToFileURL(join(modules, name, entry)).href);
const { gguf } = await load("@huggingface/gguf", "dist/index.mjs");
const { getLlama } = await load("node-llama-cpp", "dist/index.js");

let failures = 0;
function check(isRight, what) {
  console.log(`${isRight ? "ok   " : "WRONG"} ${what}`);
  failures += isRight ? 0 : 1;
}

const folder = process.argv[2];
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
for (const name of ["chars", "unicode", "bytes", "bpe", "gpt2", "kin"]) {
  const path = join(folder, name, "f32.gguf");
  if (!existsSync(path)) {
    continue;
  }
  const config = JSON.parse(readFileSync(join(folder, name, "model/config.json"), "utf8"));
  const { metadata, tensorInfos } = await gguf(path, { allowLocalFile: true });
  check(metadata["general.architecture"] === "gpt2" && tensorInfos.length > 20,
        `${name}: @huggingface/gguf reads ${tensorInfos.length} tensors`);
  check(Number(metadata["gpt2.context_length"]) === config.n_positions, `${name}: context`);

  const lines = readFileSync(join(folder, name, "greedy.jsonl"), "utf8").split("\n");
  const ids = lines.filter((line) => line !== "").map((line) => JSON.parse(line).id);
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({ contextSize: config.n_positions });
  const sequence = context.getSequence();
  const prompt = model.tokenize("You may copy");
  const tokens = [];
  const expected = ids.slice(prompt.length, prompt.length + 24);
  for await (const token of sequence.evaluate(prompt, { temperature: 0 })) {
    tokens.push(token);
    if (tokens.length === Math.min(24, config.n_positions - prompt.length - 1)) {
      break;
    }
  }
  check(JSON.stringify(tokens) === JSON.stringify(expected.slice(0, tokens.length)) && tokens.length > 10,
        `${name}: node-llama-cpp generates the same ${tokens.length} tokens`);
  await context.dispose();
  await model.dispose();
}
console.log(`${failures} differences`);
process.exit(failures > 0 ? 1 : 0);
