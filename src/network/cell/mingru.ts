import type { CellBackwardStep, CellStep } from '../../compute/backend.ts';
import type { Cell } from './cell.ts';
import { sigmoid } from './sigmoid.ts';

/**
 * Minimal gated recurrent unit (Feng et al. 2024, arXiv 2410.01201, section 3.1): gate and candidate see the input alone, so that
 * nothing but the unit itself goes from step to step. Blocks z, n in the order of `gru.ts`, z being the share that is kept:
 *
 *     h_t = (1 - z) * n + z * h_{t-1}        z = sigmoid(pre_z), n = pre_n
 *
 * Transport is known without a product: dh_t/dh_{t-k} = z_t z_{t-1} ... z_{t-k+1}. Kept for the backward pass: z, n in `pre`.
 */
export const mingru: Cell = {
  name: 'mingru',
  gates: 2,
  apart: 0,
  states: ['h'],
  recurrentMatrix: false,
  forgetGate: 0,
  coupled: true,
  functions: [{ name: 'z', kind: 'sigmoid', in: { gate: 0 } }],

  forward({ B, H, pre, preAt, states: [h], previousAt, nextAt }: CellStep): void {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const at = preAt + b * 2 * H + j;
        const unit = b * H + j;
        const z = sigmoid(pre[at]);
        h[nextAt + unit] = (1 - z) * pre[at + H] + z * h[previousAt + unit];
        pre[at] = z;
      }
    }
  },

  backward({ B, H, pre, preAt, states: [h], previousAt, dStates: [dh] }: CellBackwardStep): void {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const at = preAt + b * 2 * H + j;
        const unit = b * H + j;
        const z = pre[at];
        pre[at] = dh[unit] * (h[previousAt + unit] - pre[at + H]) * z * (1 - z);
        pre[at + H] = dh[unit] * (1 - z);
        dh[unit] *= z;
      }
    }
  },
};
