/** The gradient by the parameters of an orthogonal matrix, dL/dA at A = 0, beside central differences of the loss of W f(A). */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { cells } from '../../src/network/cell/cells.ts';
import { checkDerivative } from '../../src/network/derivative.ts';
import { losses } from '../../src/network/loss/losses.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { orthogonalMaps } from '../../src/network/orthogonal/orthogonals.ts';
import { Squares } from '../../src/network/orthogonal/squares.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { batchOf, type Sample, windowOf } from './sample.ts';

const sample: Sample = {
  ...{ cell: '', loss: 'mse', reading: 'every', layers: 2, residual: true, dropout: 0, input: 'vectors', seed: 3 },
  ...{ T: 7, B: 3, I: 2, H: 3, O: 2 },
};

for (const cell of cells.filter(({ recurrentMatrix }) => recurrentMatrix !== false)) {
  for (const [name, map] of Object.entries(orthogonalMaps)) {
    describe(`${cell.name}, orthogonal by ${name}`, () => {
      const settings = [
        { carried: 0 },
        { carried: 3 },
        { carried: 3, skip: { kind: 'add', lag: 2 } },
        { carried: 3, skip: { kind: 'weighted', lag: [2, 3] } },
        { carried: 3, skip: { kind: 'dilated', perLayer: [1, 2] } },
      ] as const satisfies { carried: number; skip?: ModelOptions['skip'] }[];
      for (const { carried, ...skipping } of settings) {
        const window = carried > 0 ? ', a truncated window of 4 steps after 3' : '';
        const along = 'skip' in skipping ? `, skip ${JSON.stringify(skipping.skip)}` : '';
        test(`2 layers, residual${window}${along}: every number of A of every block, to 1e-6`, () => {
          const backend = scalarBackend();
          const { H } = sample;
          const by = name as keyof typeof orthogonalMaps;
          const start = { recurrentInit: 'orthogonal', orthogonal: { by } } as const;
          const model: ModelOptions = { cell, hiddenSize: H, layers: 2, residual: true, ...start, ...skipping };
          const network = new Network(backend, model, { kind: 'vectors', size: sample.I }, sample.O);
          initialize(network, model, 2);
          const whole = batchOf(backend, sample);
          whole.lengths.fill(sample.T);
          const unrolled = new Unrolled(network, sample.T, sample.B);
          if (carried > 0) {
            unrolled.forward(windowOf(backend, whole, 0, carried));
            unrolled.carry(carried);
          }
          const batch = carried > 0 ? windowOf(backend, whole, carried, sample.T) : whole;
          const lossNow = () => {
            network.changed();
            unrolled.forward(batch);
            return unrolled.loss(losses.mse);
          };
          const { parameters } = network;
          lossNow();
          unrolled.backward(losses.mse);
          const before = parameters.values.slice();
          const blocks = parameters.orthogonal;
          assert.ok(blocks);
          blocks.begin();
          const gradient = parameters.gradient.slice();
          parameters.values.set(before);
          const squares = new Squares(backend, H);
          const A = backend.allocate(H * H);
          let checked = 0;
          for (const layer of [0, 1]) {
            const { at } = parameters.get(`weight_hh_l${layer}`);
            for (let gate = 0; gate < cell.gates; gate++) {
              const from = at + gate * H * H;
              const W = before.slice(from, from + H * H);
              const block = parameters.values.subarray(from, from + H * H);
              for (let i = 0; i < H; i++) {
                for (let j = i + 1; j < H; j++) {
                  const loss = (offset: number) => {
                    A.fill(0);
                    A[i * H + j] = offset;
                    A[j * H + i] = -offset;
                    map.move(squares, W, A, Math.abs(offset) || 1e-300, block);
                    return lossNow();
                  };
                  const check = checkDerivative(loss, 0, gradient[from + i * H + j], 1e-6);
                  assert.notEqual(check.outcome, 'differs', `layer ${layer} gate ${gate} [${i}, ${j}]: ${JSON.stringify(check)}`);
                  assert.equal(gradient[from + j * H + i], -gradient[from + i * H + j]);
                  block.set(W);
                  checked++;
                }
              }
            }
          }
          assert.equal(checked, 2 * cell.gates * 3);
        });
      }
    });
  }
}
