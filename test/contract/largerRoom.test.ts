import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { lagGradients } from '../../src/monitor/lagProfile.ts';
import { allocateBatch } from '../../src/network/batch.ts';
import { losses } from '../../src/network/loss/losses.ts';
import type { CellName } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';

const T = 6;
const B = 3;

/** Lag gradients, loss and gradient of T steps of B sequences, in a network unrolled with room for more. */
function measured(backend: Backend, cell: CellName, roomT: number, roomB: number) {
  const model = { cell, hiddenSize: 5, layers: 2, residual: true } as const;
  const network = new Network(backend, model, { kind: 'vectors', size: 2 }, 1);
  initialize(network, model, 1);
  const batch = allocateBatch(backend, network.input, { kind: 'values', size: 1 }, T, B);
  const random = new Random(4);
  for (let i = 0; i < batch.vectors.length; i++) batch.vectors[i] = random.normal();
  for (let b = 0; b < B; b++) {
    batch.rows[b] = (T - 1) * B + b;
    batch.values[b] = random.normal();
  }
  batch.counted = B;
  const unrolled = new Unrolled(network, roomT, roomB);
  unrolled.reset();
  unrolled.forward(batch);
  const loss = unrolled.backward(losses.mse);
  const gradient = [...network.parameters.gradient];
  return { loss, gradient, lags: lagGradients(unrolled, batch, losses.mse).map((each) => [...each]) };
}

for (const [name, backend] of [['scalar', scalarBackend()] as const, ['wasm', await wasmBackend()] as const]) {
  describe(`${name}: a batch smaller than the room it runs in`, () => {
    for (const cell of ['rnn', 'lstm', 'gru', 'gru-reset-before', 'mingru', 'lru'] as const) {
      test(`${cell}, two layers: the bits of a room that fits, in loss, gradient and every lag`, () => {
        const fitting = measured(backend, cell, T, B);
        for (const [roomT, roomB] of [
          [T, B + 4],
          [T + 9, B],
          [T + 2, B + 1],
        ]) {
          assert.deepEqual(measured(backend, cell, roomT, roomB), fitting);
        }
      });
    }
  });
}
