/** Many probes side by side: the same lag gradients as one backward pass for each of them. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../compute/backend.ts';
import { Random } from '../compute/random.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import { allocateBatch, type Batch } from '../network/batch.ts';
import type { Cell } from '../network/cell/cell.ts';
import { losses } from '../network/loss/losses.ts';
import type { ModelOptions } from '../network/model.ts';
import { initialize, Network } from '../network/network.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';
import { keepProbes, lagGradients } from './lagProfile.ts';

interface Setting {
  readonly name: string;
  readonly model: ModelOptions;
  readonly T: number;
  readonly B: number;
  readonly ragged?: boolean;
  readonly symbols?: boolean;
  /** Share of the steps that are counted; all by default. */
  readonly counted?: number;
  /** Factor on the weights. */
  readonly scale?: number;
  /** Neither inputs nor biases, so that a tanh network stays at 0. */
  readonly silent?: boolean;
}

/** A cell of three states and three gates, two of them apart, in which every state meets every other. */
const woven: Cell = {
  name: 'woven',
  gates: 3,
  apart: 2,
  states: ['h', 'u', 'v'],
  forward({ B, H, pre, preAt, apart, apartAt, states: [h, u, v], previousAt, nextAt }) {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const [p, q, i] = [preAt + b * 3 * H + j, apartAt + b * 2 * H + j, b * H + j];
        const a = Math.tanh(pre[p]);
        const c = Math.tanh(pre[p + H] + apart[q] * v[previousAt + i]);
        const d = Math.tanh(pre[p + 2 * H] - apart[q + H]);
        u[nextAt + i] = a + c * u[previousAt + i];
        v[nextAt + i] = c - 0.5 * h[previousAt + i];
        h[nextAt + i] = a * d + 0.3 * u[nextAt + i];
        pre[p] = a;
        pre[p + H] = c;
        pre[p + 2 * H] = d;
      }
    }
  },
  backward({ B, H, pre, preAt, apart, apartAt, states: [, u, v], previousAt, dStates: [dh, du, dv] }) {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const [p, q, i] = [preAt + b * 3 * H + j, apartAt + b * 2 * H + j, b * H + j];
        const [a, c, d] = [pre[p], pre[p + H], pre[p + 2 * H]];
        const dU = du[i] + 0.3 * dh[i];
        const dA = (dU + dh[i] * d) * (1 - a * a);
        const dC = (dU * u[previousAt + i] + dv[i]) * (1 - c * c);
        const dD = dh[i] * a * (1 - d * d);
        const old = apart[q];
        pre[p] = dA;
        pre[p + H] = dC;
        pre[p + 2 * H] = dD;
        apart[q] = dC * v[previousAt + i];
        apart[q + H] = -dD;
        dh[i] = -0.5 * dv[i];
        du[i] = dU * c;
        dv[i] = dC * old;
      }
    }
  },
};

const cellNames = ['rnn', 'lstm', 'gru', 'gru-reset-before', 'mingru', 'lru'] as const;
const settings: Setting[] = [
  ...[...cellNames, woven].flatMap((cell): Setting[] => {
    const name = typeof cell === 'string' ? cell : cell.name;
    return [
      { name: `${name}: one layer`, model: { cell, hiddenSize: 9 }, T: 14, B: 3 },
      { name: `${name}: two layers, different lengths`, model: { cell, hiddenSize: 6, layers: 2 }, T: 17, B: 5, ragged: true },
      {
        name: `${name}: three layers, residual, symbols, some targets`,
        model: { cell, hiddenSize: 7, layers: 3, residual: true },
        ...{ T: 20, B: 4, ragged: true, symbols: true, counted: 0.4 },
      },
    ];
  }),
  { name: 'vanishing to 1e-200', model: { cell: 'rnn', hiddenSize: 8, layers: 2 }, T: 60, B: 2, scale: 1e-3 },
  { name: 'exploding to 1e+80', model: { cell: 'rnn', hiddenSize: 8 }, T: 60, B: 2, scale: 30, silent: true },
  { name: 'residual and vanishing', model: { cell: 'gru', hiddenSize: 5, layers: 2, residual: true }, T: 50, B: 2, scale: 1e-2 },
];

function networkOf(backend: Backend, { model, symbols, scale = 1, silent }: Setting): Network {
  const network = new Network(backend, model, { kind: symbols ? 'symbols' : 'vectors', size: 3 }, 2);
  initialize(network, model, 2);
  for (const { name } of network.parameters.list) {
    const values = network.parameters.valuesOf(name);
    if (silent && name.includes('bias')) values.fill(0);
    if (name.startsWith('weight')) for (let i = 0; i < values.length; i++) values[i] *= scale;
  }
  network.changed();
  return network;
}

function batchOf({ input, backend }: Network, { T, B, ragged, silent, counted = 1 }: Setting): Batch {
  const batch = allocateBatch(backend, input, { kind: 'values', size: 2 }, T, B);
  const random = new Random(6);
  for (let b = 0; b < B; b++) batch.lengths[b] = ragged ? 1 + random.below(T) : T;
  for (let row = 0; row < T * B; row++) {
    const [t, b] = [Math.floor(row / B), row % B];
    if (t >= batch.lengths[b]) continue;
    if (input.kind === 'symbols') batch.symbols[row] = random.below(3);
    else for (let i = 0; i < 3 && !silent; i++) batch.vectors[row * 3 + i] = random.normal();
    if (random.uniform() >= counted) continue;
    for (let o = 0; o < 2; o++) batch.values[batch.counted * 2 + o] = random.normal();
    batch.rows[batch.counted++] = row;
  }
  return batch;
}

/** One backward pass for the target at each row, all others left out. */
function oneByOne(unrolled: Unrolled, batch: Batch): Float64Array[] {
  const rows = batch.rows.slice(0, batch.counted);
  const values = batch.values.slice();
  return Array.from(rows, (row, r) => {
    batch.rows[0] = row;
    batch.values.set(values.subarray(2 * r, 2 * r + 2));
    batch.counted = 1;
    return lagGradients(unrolled, batch, losses.mse, 1)[0];
  });
}

for (const [name, backend, bound] of [
  ['scalar', scalarBackend(), 1e-9],
  ['wasm', await wasmBackend(), 2e-4],
] as const) {
  describe(`${name}: all probes at once are one backward pass each`, () => {
    for (const setting of settings) {
      test(setting.name, () => {
        const network = networkOf(backend, setting);
        const unrolled = new Unrolled(network, setting.T, setting.B);
        const found = lagGradients(unrolled, batchOf(network, setting), losses.mse, setting.T);
        const expected = oneByOne(unrolled, batchOf(network, setting));
        assert.equal(found.length, expected.length);
        for (const [r, profile] of found.entries()) {
          assert.equal(profile.length, expected[r].length);
          for (const [k, value] of profile.entries()) {
            assert.ok(
              value === expected[r][k] || Math.abs(value - expected[r][k]) <= bound,
              `probe ${r}, lag ${k}: 10^${value}, not 10^${expected[r][k]}`,
            );
          }
        }
      });
    }
  });
}

test('probes: the last counted step of each sequence and others evenly before it', () => {
  const backend = scalarBackend();
  const batch = allocateBatch(backend, { kind: 'vectors', size: 1 }, { kind: 'values', size: 1 }, 12, 2);
  const kept = (most: number, steps: readonly (readonly [number, number])[]) => {
    batch.counted = 0;
    for (const [t, b] of steps) {
      batch.rows[batch.counted] = t * 2 + b;
      batch.values[batch.counted++] = t;
    }
    keepProbes(batch, most);
    return Array.from(batch.rows.subarray(0, batch.counted), (row, r) => {
      assert.equal(batch.values[r], Math.floor(row / 2));
      return [Math.floor(row / 2), row % 2];
    });
  };
  // Of the 12 of sequence 0, the last but 0, 3, 6 and 9; of the 3 of sequence 1, all.
  const all = Array.from({ length: 12 }, (_, t) => [[t, 0] as const, ...(t % 5 === 1 ? [[t, 1] as const] : [])]).flat();
  assert.deepEqual(
    kept(4, all).filter(([, b]) => b === 0),
    [2, 5, 8, 11].map((t) => [t, 0]),
  );
  assert.deepEqual(
    kept(4, all).filter(([, b]) => b === 1),
    [1, 6, 11].map((t) => [t, 1]),
  );
  // Of 5, the last but 0, 1 and 3.
  const five = [0, 2, 4, 6, 8].map((t) => [t, 1] as const);
  assert.deepEqual(
    kept(3, five),
    [2, 6, 8].map((t) => [t, 1]),
  );
  assert.deepEqual(kept(1, five), [[8, 1]]);
  assert.deepEqual(kept(9, five), [...five]);
});
