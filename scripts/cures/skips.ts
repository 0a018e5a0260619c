/**
 * What a training step costs with each kind of skip connection, and a plain network's with Ω, beside the same without. Writes
 * docs/measured/skips.json and .md. `npm run measure:skips`, about a minute.
 */

import type { Backend } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { allocateBatch } from '../../src/network/batch.ts';
import { fillBatch } from '../../src/network/gradcheckCell.ts';
import { losses } from '../../src/network/loss/losses.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import type { SkipOptions } from '../../src/network/skip/skip.ts';
import { StateWatch } from '../../src/network/unroll/stateWatch.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { Omega } from '../../src/training/omega.ts';
import { constant } from '../../src/training/schedule/constant.ts';
import { writeMeasured } from '../writeMeasured.ts';

const [H, T, B] = [128, 100, 64];
const rounds = 9;
const cells = ['rnn', 'lstm', 'gru'] as const;
const skips: readonly SkipOptions[] = [
  { kind: 'add', lag: 8 },
  { kind: 'add', lag: [2, 8] },
  { kind: 'weighted', lag: 8 },
  { kind: 'weighted', lag: [2, 8] },
  { kind: 'dilated', lag: 8 },
];
const backend = await wasmBackend({ threads: 1 });
/** The same kernels, called step by step. */
const stepwise: Backend = { ...backend, sweep: undefined };

/** A training step: forward and back. */
function stepOf(used: Backend, model: ModelOptions, regularised = false): () => void {
  const network = new Network(used, model, { kind: 'vectors', size: 10 }, 10);
  initialize(network, model, 1);
  const batch = allocateBatch(used, network.input, { kind: 'classes', size: 10 }, T, B);
  fillBatch(batch, 'last', new Random(1));
  const unrolled = new Unrolled(network, T, B);
  const watch = regularised ? new StateWatch(used, network.L, B, null, T) : undefined;
  const omega = watch && new Omega(network, watch, T, B, 1, constant);
  return () => {
    network.changed();
    unrolled.forward(batch);
    omega?.begin();
    unrolled.backward(losses.crossEntropy, { watch, passed: omega?.passed });
    omega?.finish(1);
  };
}

/** The least processor time of each call, in milliseconds, the calls taken in turns. */
function least(calls: readonly (() => void)[]): number[] {
  const best = calls.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    for (const [index, call] of calls.entries()) {
      const began = process.cpuUsage();
      call();
      const { user, system } = process.cpuUsage(began);
      best[index] = Math.min(best[index], (user + system) / 1000);
    }
  }
  return best;
}

const measured = cells.map((cell) => {
  const mark = backend.mark();
  const model = { cell, hiddenSize: H } as const;
  const models: readonly ModelOptions[] = [model, ...skips.map((skip) => ({ ...model, skip }))];
  const calls = models.flatMap((each) => [stepOf(backend, each), stepOf(stepwise, each)]);
  if (cell === 'rnn') calls.push(stepOf(backend, model, true));
  const milliseconds = least(calls);
  backend.release(mark);
  const ways = models.map(({ skip }, index) => ({ skip, swept: milliseconds[2 * index], stepwise: milliseconds[2 * index + 1] }));
  return { cell, ways, omega: cell === 'rnn' ? milliseconds[2 * models.length] : undefined };
});

const rows = measured.flatMap(({ cell, ways, omega }) => {
  const [{ swept: without }] = ways;
  const show = (milliseconds: number) => `${milliseconds.toFixed(1)} | ${(milliseconds / without).toFixed(2)}`;
  const lines = ways.map(({ skip, swept, stepwise }) => {
    const name = skip ? `${skip.kind}, lag ${[skip.lag].flat().join(' and ')}` : 'none';
    return `| ${cell} | ${name} | ${show(swept)} | ${show(stepwise)} |`;
  });
  return omega === undefined ? lines : [...lines, `| ${cell} | none, with Ω | ${show(omega)} | | |`];
});
writeMeasured(
  'skips',
  { H, T, B, rounds, measured },
  `# What skip connections and Ω cost

Milliseconds of a training step, forward and back, of one layer of ${H} units over ${T} steps of ${B} sequences with a loss at the last step: processor time of one thread of
the wasm kernels, the least of ${rounds} calls taken in turns with the others of the same cell. Beside it, as a multiple of the cell's step without a skip connection; and the same
kernels called step by step, as a backend without a sweep does.

| cell | skip | ms | multiple | step by step, ms | multiple |
|---|---|---|---|---|---|
${rows.join('\n')}

All numbers are in [skips.json](skips.json). Made by \`npm run measure:skips\`.
`,
);
