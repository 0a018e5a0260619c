/** The core in a real browser: with threads where the page is isolated from other origins, with one thread that says so where not. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { initialize, makeTask, Network, Trainer, trainingDefaults, wasmBackend } from '../../src/index.ts';

const root = path.resolve(import.meta.dirname, '../..');
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** What the page does: a short training, whose weights it answers with. */
const source = `
  import { initialize, makeTask, Network, Trainer, trainingDefaults, wasmBackend } from './src/index.ts';
  globalThis.train = async (threads) => {
    const backend = await wasmBackend({ threads });
    const data = makeTask({ kind: 'task', name: 'adding', length: 40, trainSequences: 200 });
    const model = { cell: 'lstm', hiddenSize: 64 };
    const network = new Network(backend, model, data.train.input, data.train.target.size);
    initialize(network, model, 0);
    const trainer = new Trainer(network, data.train, { ...trainingDefaults, updates: 20 });
    while (!trainer.done) trainer.step();
    return { threads: backend.threads, detail: backend.detail, weights: [...network.parameters.values] };
  };`;

/** The same training here. */
async function trained(): Promise<number[]> {
  const data = makeTask({ kind: 'task', name: 'adding', length: 40, trainSequences: 200 });
  const model = { cell: 'lstm', hiddenSize: 64 } as const;
  const network = new Network(await wasmBackend(), model, data.train.input, data.train.target.size);
  initialize(network, model, 0);
  const trainer = new Trainer(network, data.train, { ...trainingDefaults, updates: 20 });
  while (!trainer.done) trainer.step();
  return [...network.parameters.values];
}

describe('in a browser', { skip: existsSync(executablePath) ? false : `no Chromium at ${executablePath}; name it in CHROMIUM` }, () => {
  let server: Server;
  let browser: Browser;
  let address: string;

  before(async () => {
    const { outputFiles } = await build({
      stdin: { contents: source, resolveDir: root, loader: 'ts' },
      ...{ bundle: true, platform: 'browser', format: 'iife', write: false, logLevel: 'silent' },
    });
    server = createServer(({ url }, response) => {
      if (url === '/isolated') {
        response.setHeader('Cross-Origin-Opener-Policy', 'same-origin').setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
      }
      response.setHeader('Content-Type', 'text/html').end(`<!doctype html><script>${outputFiles[0].text}</script>`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const quiet = ['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-quic', ...quiet] });
  });
  after(async () => {
    await browser?.close();
    server?.close();
  });

  const train = async (where: string, threads: number | 'auto') => {
    const page = await browser.newPage();
    await page.goto(`${address}${where}`);
    const answer = await page.evaluate((wanted) => (globalThis as unknown as { train(n: unknown): unknown }).train(wanted), threads);
    await page.close();
    return answer as { threads: number; detail: string; weights: number[] };
  };

  test('an isolated page trains with two threads, to the bits of Node', async () => {
    const { threads, weights } = await train('/isolated', 2);
    assert.equal(threads, 2);
    assert.deepEqual(weights, await trained());
  });

  test('a page that is not isolated trains with one, to the same bits, and says why', async () => {
    const { threads, detail, weights } = await train('/', 'auto');
    assert.equal(threads, 1);
    assert.match(detail, /one thread, because .* not isolated from other origins/);
    assert.deepEqual(weights, await trained());
    await assert.rejects(train('/', 2), /not isolated from other origins/);
  });
});
