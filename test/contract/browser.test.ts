import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '../..');

test('the core bundles for a browser: nothing of Node, no package, and it trains where there is no `process`', async () => {
  const source = `
    import { initialize, makeTask, Network, Trainer, trainingDefaults, wasmBackend } from './src/index.ts';
    const data = makeTask({ kind: 'task', name: 'recall', lag: 2, trainSequences: 200 });
    const model = { cell: 'gru', hiddenSize: 16 };
    globalThis.trained = wasmBackend().then((backend) => {
      const network = new Network(backend, model, data.train.input, data.train.target.size);
      initialize(network, model, 0);
      const trainer = new Trainer(network, data.train, { ...trainingDefaults, updates: 60, learningRate: 0.02 });
      const losses = [];
      while (!trainer.done) losses.push(trainer.step().loss);
      return losses;
    });`;
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'browser',
    format: 'iife',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const inputs = Object.keys(metafile.inputs);
  assert.deepEqual(
    inputs.filter((file) => file.includes('node_modules')),
    [],
  );
  // What a browser has and a bare context has not.
  const names = [
    'WebAssembly',
    'atob',
    'performance',
    'Atomics',
    'SharedArrayBuffer',
    'Float32Array',
    'Float64Array',
    'Int32Array',
    'Uint32Array',
    'Uint8Array',
  ];
  const window = createContext(Object.fromEntries(names.map((name) => [name, globalThis[name as keyof typeof globalThis]])));
  runInContext(outputFiles[0].text, window);
  const losses = (await window.trained) as number[];
  assert.equal(losses.length, 60);
  assert.ok(losses[59] < losses[0] / 2, `${losses[0]} -> ${losses[59]}`);
});
