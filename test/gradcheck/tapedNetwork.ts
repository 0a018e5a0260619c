/** A whole network written out on the float64 tape, for the tests alone: the independent way to a gradient that is bounded at every step. */

import type { Batch } from '../../src/network/batch.ts';
import { layerNames, type Network } from '../../src/network/network.ts';
import type { SkipOptions } from '../../src/network/skip/skip.ts';
import { type Scalar, Tape } from './tape.ts';

/** What becomes of dL/ds_t, all states of a layer as one vector, before it goes on. */
export const limits = {
  norm: (gradients: number[], threshold: number) => {
    const norm = Math.hypot(...gradients);
    return norm > threshold ? gradients.map((each) => (each * threshold) / norm) : gradients;
  },
  value: (gradients: number[], threshold: number) => gradients.map((each) => Math.max(-threshold, Math.min(threshold, each))),
};

export interface Taped {
  readonly network: Network;
  readonly skip: SkipOptions | undefined;
  readonly batch: Batch;
  /** Steps before the window that is gone back through: their states are constants to it, and their targets do not count. */
  readonly carried: number;
  readonly limit: (gradients: number[]) => number[];
}

/** d(mean squared error of the window)/d(each parameter), [parameters.length]. */
export function tapedGradient({ network, skip, batch, carried, limit }: Taped): Float64Array {
  const { parameters, H, L, O, cell, residual } = network;
  const {
    T,
    B,
    input: { size: I },
  } = batch;
  let counted = 0;
  for (let r = 0; r < batch.counted; r++) if (batch.rows[r] >= carried * B) counted++;
  const tape = new Tape();
  const all = Array.from(parameters.values, (value) => tape.leaf(value));
  const matrix = (name: string, row: number, x: readonly Scalar[]) => {
    const { at } = parameters.get(name);
    return x.map((each, column) => tape.multiply(all[at + row * x.length + column], each));
  };
  const bias = (name: string, row: number) => all[parameters.get(name).at + row];
  const zero = () => Array.from({ length: H }, () => tape.leaf(0));
  const terms: Scalar[] = [];
  for (let b = 0; b < B; b++) {
    const made = Array.from({ length: L }, (): Scalar[][][] => []);
    for (let t = 0; t < T; t++) {
      let x = Array.from({ length: I }, (_, i) => tape.leaf(batch.vectors[(t * B + b) * I + i]));
      for (let layer = 0; layer < L; layer++) {
        const { inputWeight, recurrentWeight, inputBias, recurrentBias } = layerNames(layer);
        /** The states of `lag` steps before, as constants where the window begins in between. */
        const before = (lag: number): Scalar[][] => {
          if (t < lag) return cell.states.map(zero);
          const states = made[layer][t - lag];
          return t - lag < carried && t >= carried ? states.map((each) => each.map(({ value }) => tape.leaf(value))) : states;
        };
        const lags = skip ? [skip.perLayer?.[layer] ?? skip.lag ?? []].flat() : [];
        const [h, c] = before(skip?.kind === 'dilated' ? lags[0] : 1);
        const around = skip?.kind === 'dilated' ? [] : lags.toSorted((p, q) => p - q).map((lag) => before(lag)[0]);
        const read = x;
        const through = (row: number) => (skip?.kind === 'weighted' ? matrix(`weight_skip_l${layer}`, row, around.flat()) : []);
        const input = (row: number) => [...matrix(inputWeight, row, read), bias(inputBias, row), ...through(row)];
        const recurrent = (row: number) => [...matrix(recurrentWeight, row, h), bias(recurrentBias, row)];
        const pre = (gate: number, j: number) => tape.add(...input(gate * H + j), ...recurrent(gate * H + j));
        const units = Array.from({ length: H }, (_, j) => j);
        let next: Scalar[][];
        if (cell.name === 'lstm') {
          const both = units.map((j) => {
            const [i, f, g, o] = [tape.sigmoid(pre(0, j)), tape.sigmoid(pre(1, j)), tape.tanh(pre(2, j)), tape.sigmoid(pre(3, j))];
            const cell = tape.add(tape.multiply(f, c[j]), tape.multiply(i, g));
            return [tape.multiply(o, tape.tanh(cell)), cell];
          });
          next = [both.map(([each]) => each), both.map(([, each]) => each)];
        } else if (cell.name === 'gru') {
          next = [
            units.map((j) => {
              const [r, z] = [tape.sigmoid(pre(0, j)), tape.sigmoid(pre(1, j))];
              const n = tape.tanh(tape.add(...input(2 * H + j), tape.multiply(r, tape.add(...recurrent(2 * H + j)))));
              return tape.add(n, tape.multiply(z, tape.add(h[j], tape.multiply(tape.leaf(-1), n))));
            }),
          ];
        } else if (cell.name === 'gru-reset-before') {
          const reset = units.map((j) => tape.multiply(tape.sigmoid(pre(0, j)), h[j]));
          next = [
            units.map((j) => {
              const z = tape.sigmoid(pre(1, j));
              const n = tape.tanh(
                tape.add(...input(2 * H + j), ...matrix(recurrentWeight, 2 * H + j, reset), bias(recurrentBias, 2 * H + j)),
              );
              return tape.add(n, tape.multiply(z, tape.add(h[j], tape.multiply(tape.leaf(-1), n))));
            }),
          ];
        } else if (cell.name === 'mingru') {
          next = [
            units.map((j) => {
              const z = tape.sigmoid(tape.add(...input(j)));
              const n = tape.add(...input(H + j));
              return tape.add(n, tape.multiply(z, tape.add(h[j], tape.multiply(tape.leaf(-1), n))));
            }),
          ];
        } else if (cell.name === 'lru') {
          const both = units.map((j) => {
            const size = tape.exp(tape.multiply(tape.leaf(-1), tape.exp(bias(`nu_log_l${layer}`, j))));
            const angle = tape.exp(bias(`theta_log_l${layer}`, j));
            const [real, imaginary] = [tape.multiply(size, tape.cos(angle)), tape.multiply(size, tape.sin(angle))];
            const weight = tape.multiply(tape.exp(bias(`gamma_log_l${layer}`, j)), tape.sigmoid(tape.add(...input(2 * H + j))));
            const [u, v] = [0, H].map((gate) => tape.multiply(weight, tape.add(...input(gate + j))));
            return [
              tape.add(tape.multiply(real, h[j]), tape.multiply(tape.leaf(-1), tape.multiply(imaginary, c[j])), u),
              tape.add(tape.multiply(real, c[j]), tape.multiply(imaginary, h[j]), v),
            ];
          });
          next = [both.map(([each]) => each), both.map(([, each]) => each)];
        } else next = [units.map((j) => (cell.name === 'rnn-relu' ? tape.relu(pre(0, j)) : tape.tanh(pre(0, j))))];
        if (skip?.kind === 'add') next[0] = next[0].map((each, j) => tape.add(each, ...around.map((one) => one[j])));
        // All states of the layer are one vector.
        const bounded = tape.changed(next.flat(), limit);
        const states = next.map((_, which) => bounded.slice(which * H, (which + 1) * H));
        made[layer].push(states);
        x = residual && layer > 0 ? states[0].map((each, j) => tape.add(each, x[j])) : states[0];
      }
      for (let r = 0; r < batch.counted; r++) {
        if (t < carried || batch.rows[r] !== t * B + b) continue;
        for (let o = 0; o < O; o++) {
          const output = tape.add(...matrix('readout.weight', o, x), bias('readout.bias', o));
          const error = tape.add(output, tape.leaf(-batch.values[r * O + o]));
          terms.push(tape.multiply(tape.leaf(1 / (counted * O)), tape.multiply(error, error)));
        }
      }
    }
  }
  tape.backward(tape.add(...terms));
  return Float64Array.from(all, ({ gradient }) => gradient);
}
