import type { CellBackwardStep, CellStep, Reals } from '../../compute/backend.ts';
import type { Cell } from './cell.ts';
import { type GateFunction, logistic } from './sigmoid.ts';

/**
 * Gated recurrent unit in its first form (Cho et al. 2014, arXiv 1406.1078, section 2.3), where the reset gate acts on the state before
 * the product: that of Keras with `reset_after=False`, of TensorFlow.js, and of ONNX with `linear_before_reset = 0`. Gates in the order r, z, n:
 *
 *     n   = tanh(pre_n + W_hn (r * h_{t-1}) + b_hn)        r, z = gate(pre)
 *     h_t = (1 - z) * n + z * h_{t-1}
 *
 * Kept for the backward pass: r, z, n in `pre`.
 */
export function gruResetBeforeOf(gate: GateFunction): Cell {
  return {
    name: 'gru-reset-before',
    gates: 3,
    apart: 1,
    states: ['h'],
    bounded: true,
    functions: [
      { name: 'r', kind: 'sigmoid', in: { gate: 0 } },
      { name: 'z', kind: 'sigmoid', in: { gate: 1 } },
      { name: 'n', kind: 'tanh', in: { gate: 2 } },
    ],

    apartInput: {
      gates: [0],

      forward({ B, H, pre, preAt, states: [h], previousAt }: CellStep, out: Reals, outAt: number): void {
        for (let b = 0; b < B; b++) {
          for (let j = 0; j < H; j++) {
            const at = preAt + b * 3 * H + j;
            const unit = b * H + j;
            const r = gate.value(pre[at]);
            out[outAt + unit] = r * h[previousAt + unit];
            pre[at] = r;
          }
        }
      },

      backward({ B, H, pre, preAt, states: [h], previousAt, dStates: [dh] }: CellBackwardStep, gradient: Reals): void {
        for (let b = 0; b < B; b++) {
          for (let j = 0; j < H; j++) {
            const at = preAt + b * 3 * H + j;
            const unit = b * H + j;
            const r = pre[at];
            pre[at] = gradient[unit] * h[previousAt + unit] * gate.slope(r);
            dh[unit] += gradient[unit] * r;
          }
        }
      },
    },

    forward({ B, H, pre, preAt, apart, apartAt, states: [h], previousAt, nextAt }: CellStep): void {
      for (let b = 0; b < B; b++) {
        for (let j = 0; j < H; j++) {
          const at = preAt + b * 3 * H + j;
          const unit = b * H + j;
          const z = gate.value(pre[at + H]);
          const n = Math.tanh(pre[at + 2 * H] + apart[apartAt + unit]);
          h[nextAt + unit] = (1 - z) * n + z * h[previousAt + unit];
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
          const z = pre[at + H];
          const n = pre[at + 2 * H];
          const dPreN = dh[unit] * (1 - z) * (1 - n * n);
          pre[at + H] = dh[unit] * (h[previousAt + unit] - n) * gate.slope(z);
          pre[at + 2 * H] = dPreN;
          apart[apartAt + unit] = dPreN;
          dh[unit] *= z;
        }
      }
    },
  };
}

/** The same with logistic gates. */
export const gruResetBefore: Cell = gruResetBeforeOf(logistic);
