/** Recurrent networks with skip connections as plain loops in float64, one sequence at a time, written for the tests alone. */

import type { Network } from '../../src/network/network.ts';
import type { SkipOptions } from '../../src/network/skip/skip.ts';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** A small change of one number of a carried state: all that reads state `state` of layer `layer` of step `step` after step `after` reads it. */
export interface Nudge {
  readonly layer: number;
  readonly state: number;
  readonly unit: number;
  readonly step: number;
  readonly after: number;
  readonly by: number;
}

/** What a pass leaves: per layer and step its states, and the outputs of each step. */
export interface PlainPass {
  readonly states: number[][][][];
  readonly outputs: number[][];
}

/** Runs the inputs [T][I] of one sequence through the network from a state of zeros, with the skip connections as their documentation says. */
export function plainPass(network: Network, skip: SkipOptions | undefined, inputs: readonly number[][], nudge?: Nudge): PlainPass {
  const { parameters, H, O, L, cell, residual } = network;
  const G = cell.gates;
  const named = (name: string) => parameters.valuesOf(name);
  const S = cell.states.length;
  const zeros = () => new Array<number>(H).fill(0);
  const states: number[][][][] = Array.from({ length: L }, () => []);
  const outputs: number[][] = [];
  for (const [t, x] of inputs.entries()) {
    let below: number[] = [...x];
    for (let layer = 0; layer < L; layer++) {
      const entry = skip?.perLayer?.[layer] ?? skip?.lag ?? 1;
      const lags: number[] = typeof entry === 'number' ? [entry] : [...entry];
      const read = (state: number, lag: number): number[] => {
        const source = t - lag;
        const found = source < 0 ? zeros() : [...states[layer][source][state]];
        if (nudge && nudge.layer === layer && nudge.state === state && nudge.step === source && t > nudge.after)
          found[nudge.unit] += nudge.by;
        return found;
      };
      const chain = skip?.kind === 'dilated' ? lags[0] : 1;
      const before = cell.states.map((_, state) => read(state, chain));
      const W = named(`weight_ih_l${layer}`);
      const U = named(`weight_hh_l${layer}`);
      const [b, c] = [named(`bias_ih_l${layer}`), named(`bias_hh_l${layer}`)];
      const fromInput = Array.from(
        { length: G * H },
        (_, row) => b[row] + below.reduce((sum, each, i) => sum + W[row * below.length + i] * each, 0),
      );
      const fromState = Array.from(
        { length: G * H },
        (_, row) => c[row] + before[0].reduce((sum, each, j) => sum + U[row * H + j] * each, 0),
      );
      if (skip?.kind === 'weighted') {
        const V = named(`weight_skip_l${layer}`);
        for (const [k, lag] of lags.entries()) {
          const h = read(0, lag);
          for (let row = 0; row < G * H; row++) for (let j = 0; j < H; j++) fromInput[row] += V[(row * lags.length + k) * H + j] * h[j];
        }
      }
      if (cell.name === 'gru-reset-before') {
        // The candidate's matrix reads r * h; what skip connections bring to r is there already.
        const reset = before[0].map((each, j) => each * sigmoid(fromInput[j] + fromState[j]));
        for (let row = 2 * H; row < G * H; row++) fromState[row] = c[row] + reset.reduce((sum, each, j) => sum + U[row * H + j] * each, 0);
      }
      const made = step(cell.name, H, fromInput, fromState, before);
      if (skip?.kind === 'add') {
        for (const lag of lags) {
          const h = read(0, lag);
          for (let j = 0; j < H; j++) made[0][j] += h[j];
        }
      }
      states[layer].push(made.slice(0, S));
      below = made[0].map((each, j) => each + (residual && layer > 0 ? below[j] : 0));
    }
    const [V, d] = [named('readout.weight'), named('readout.bias')];
    outputs.push(Array.from({ length: O }, (_, o) => d[o] + below.reduce((sum, each, j) => sum + V[o * H + j] * each, 0)));
  }
  return { states, outputs };
}

function step(cell: string, H: number, x: number[], u: number[], before: number[][]): number[][] {
  const units = Array.from({ length: H }, (_, j) => j);
  const sum = (g: number, j: number) => x[g * H + j] + u[g * H + j];
  switch (cell) {
    case 'rnn-tanh':
      return [units.map((j) => Math.tanh(sum(0, j)))];
    case 'rnn-relu':
      return [units.map((j) => Math.max(0, sum(0, j)))];
    case 'lstm': {
      const c = units.map((j) => sigmoid(sum(1, j)) * before[1][j] + sigmoid(sum(0, j)) * Math.tanh(sum(2, j)));
      return [units.map((j) => sigmoid(sum(3, j)) * Math.tanh(c[j])), c];
    }
    case 'gru-reset-before':
      return [
        units.map((j) => {
          const z = sigmoid(sum(1, j));
          return (1 - z) * Math.tanh(sum(2, j)) + z * before[0][j];
        }),
      ];
    case 'gru':
      return [
        units.map((j) => {
          const z = sigmoid(sum(1, j));
          return (1 - z) * Math.tanh(x[2 * H + j] + sigmoid(sum(0, j)) * u[2 * H + j]) + z * before[0][j];
        }),
      ];
    default:
      throw new Error(`no plain loops for the cell ${cell}`);
  }
}
