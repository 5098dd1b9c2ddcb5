#!/usr/bin/env node
/** The protocols of the conformance suite: `cli.mjs decode IN OUTDIR` and `cli.mjs batch`. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Refusal, decode } from "./index.mjs";
import { nodeBrotli, readPriorFiles, writeDecoded } from "./node_files.mjs";

const EXIT_CODES = { ok: 0, malformed: 3, unsupported: 4, limit: 5, failed: 2 };
const USAGE = "usage: cli.mjs decode IN OUTDIR | cli.mjs batch";

function decodeFile(input, folder) {
  const priors = readPriorFiles(process.env.INRC_PRIORS ?? "");
  try {
    writeDecoded(decode(new Uint8Array(readFileSync(input)), { brotli: nodeBrotli, priors }), folder);
    return { status: "ok", error: null };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: error.outcome, error: error.message };
  }
}

function decodeOnce(input, folder) {
  let status;
  let error;
  try {
    ({ status, error } = decodeFile(input, folder));
  } catch (failure) {
    if (!failure.syscall) throw failure;
    process.stderr.write(`${input}: ${failure.message}\n`);
    return EXIT_CODES.failed;
  }
  if (error !== null) process.stderr.write(`${input}: ${status}: ${error}\n`);
  return EXIT_CODES[status];
}

async function decodeBatch() {
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, input, outdir } = JSON.parse(line);
    let answer;
    try {
      answer = decodeFile(input, outdir);
    } catch (error) {
      answer = { status: "error", error: String(error?.stack ?? error) };
    }
    process.stdout.write(`${JSON.stringify({ id, ...answer })}\n`);
  }
  return 0;
}

const [command, input, folder] = process.argv.slice(2);
if (command === "decode" && folder !== undefined) process.exitCode = decodeOnce(input, folder);
else if (command === "batch") process.exitCode = await decodeBatch();
else {
  process.stderr.write(`${USAGE}\n`);
  process.exitCode = EXIT_CODES.failed;
}
