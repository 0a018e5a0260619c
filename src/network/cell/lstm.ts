import type { CellBackwardStep, CellStep } from '../../compute/backend.ts';
import type { Cell } from './cell.ts';
import { type GateFunction, logistic } from './sigmoid.ts';

/**
 * Long short-term memory with a forget gate (Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000). Gates in
 * PyTorch's order i, f, g, o:
 *
 *     c_t = f * c_{t-1} + i * g        i, f, o = gate(pre), g = tanh(pre)
 *     h_t = o * tanh(c_t)
 *
 * Kept for the backward pass: the four activations, in `pre`.
 */
export function lstmOf(gate: GateFunction): Cell {
  return {
    name: 'lstm',
    gates: 4,
    apart: 0,
    states: ['h', 'c'],
    bounded: true,
    forgetGate: 1,
    functions: [
      { name: 'i', kind: 'sigmoid', in: { gate: 0 } },
      { name: 'f', kind: 'sigmoid', in: { gate: 1 } },
      { name: 'g', kind: 'tanh', in: { gate: 2 } },
      { name: 'o', kind: 'sigmoid', in: { gate: 3 } },
      { name: 'c', kind: 'tanh', in: { argumentState: 1 } },
    ],

    forward({ B, H, pre, preAt, states: [h, c], previousAt, nextAt }: CellStep): void {
      for (let b = 0; b < B; b++) {
        for (let j = 0; j < H; j++) {
          const at = preAt + b * 4 * H + j;
          const unit = b * H + j;
          const i = gate.value(pre[at]);
          const f = gate.value(pre[at + H]);
          const g = Math.tanh(pre[at + 2 * H]);
          const o = gate.value(pre[at + 3 * H]);
          const next = f * c[previousAt + unit] + i * g;
          c[nextAt + unit] = next;
          h[nextAt + unit] = o * Math.tanh(next);
          pre[at] = i;
          pre[at + H] = f;
          pre[at + 2 * H] = g;
          pre[at + 3 * H] = o;
        }
      }
    },

    backward({ B, H, pre, preAt, states: [, c], previousAt, nextAt, dStates: [dh, dc] }: CellBackwardStep): void {
      for (let b = 0; b < B; b++) {
        for (let j = 0; j < H; j++) {
          const at = preAt + b * 4 * H + j;
          const unit = b * H + j;
          const i = pre[at];
          const f = pre[at + H];
          const g = pre[at + 2 * H];
          const o = pre[at + 3 * H];
          const squashed = Math.tanh(c[nextAt + unit]);
          const dNext = dc[unit] + dh[unit] * o * (1 - squashed * squashed);
          pre[at] = dNext * g * gate.slope(i);
          pre[at + H] = dNext * c[previousAt + unit] * gate.slope(f);
          pre[at + 2 * H] = dNext * i * (1 - g * g);
          pre[at + 3 * H] = dh[unit] * squashed * gate.slope(o);
          dc[unit] = dNext * f;
          dh[unit] = 0;
        }
      }
    },
  };
}

/** The same with logistic gates. */
export const lstm: Cell = lstmOf(logistic);
