import type { CellBackwardStep, CellStep } from '../../compute/backend.ts';
import type { Cell } from './cell.ts';
import { sigmoid } from './sigmoid.ts';

/**
 * Gated recurrent unit (Cho et al. 2014), in the form of PyTorch and cuDNN, where the reset gate acts on the recurrent
 * term after its product. Gates in the order r, z, n; the recurrent term of n is kept apart:
 *
 *     n   = tanh(pre_n + r * apart)        r, z = sigmoid(pre)
 *     h_t = (1 - z) * n + z * h_{t-1}
 *
 * Kept for the backward pass: r, z, n in `pre`, and `apart` as it is.
 */
export const gru: Cell = {
  name: 'gru',
  gates: 3,
  apart: 1,
  states: ['h'],
  bounded: true,
  functions: [
    { name: 'r', kind: 'sigmoid', in: { gate: 0 } },
    { name: 'z', kind: 'sigmoid', in: { gate: 1 } },
    { name: 'n', kind: 'tanh', in: { gate: 2 } },
  ],

  forward({ B, H, pre, preAt, apart, apartAt, states: [h], previousAt, nextAt }: CellStep): void {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const at = preAt + b * 3 * H + j;
        const unit = b * H + j;
        const r = sigmoid(pre[at]);
        const z = sigmoid(pre[at + H]);
        const n = Math.tanh(pre[at + 2 * H] + r * apart[apartAt + unit]);
        h[nextAt + unit] = (1 - z) * n + z * h[previousAt + unit];
        pre[at] = r;
        pre[at + H] = z;
        pre[at + 2 * H] = n;
      }
    }
  },

  backward({ B, H, pre, preAt, apart, apartAt, states: [h], previousAt, dStates: [dh] }: CellBackwardStep): void {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const at = preAt + b * 3 * H + j;
        const unit = b * H + j;
        const r = pre[at];
        const z = pre[at + H];
        const n = pre[at + 2 * H];
        const dPreN = dh[unit] * (1 - z) * (1 - n * n);
        pre[at] = dPreN * apart[apartAt + unit] * r * (1 - r);
        pre[at + H] = dh[unit] * (h[previousAt + unit] - n) * z * (1 - z);
        pre[at + 2 * H] = dPreN;
        apart[apartAt + unit] = dPreN * r;
        dh[unit] *= z;
      }
    }
  },
};
