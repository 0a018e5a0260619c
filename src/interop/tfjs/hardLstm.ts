import type { CellBackwardStep, CellStep } from '../../compute/backend.ts';
import type { Cell } from '../../network/cell/cell.ts';
import { lstm } from '../../network/cell/lstm.ts';

/** The piecewise linear gate of Keras and TensorFlow.js, min(1, max(0, 0.2 x + 0.5)), and its slope as a function of its value. */
const hardSigmoid = (x: number) => (Number.isNaN(x) ? x : Math.min(1, Math.max(0, 0.2 * x + 0.5)));
const slope = (value: number) => (value > 0 && value < 1 ? 0.2 : 0);

/**
 * The LSTM as TensorFlow.js has it by default: its gates are piecewise linear, and shut or open altogether beyond 2.5. Everything else
 * is as in `network/cell/lstm.ts`, whose name it has for whoever judges it.
 */
export const hardLstm: Cell = {
  ...lstm,
  functions: lstm.functions?.filter(({ kind }) => kind === 'tanh'),

  forward({ B, H, pre, preAt, states: [h, c], previousAt, nextAt }: CellStep): void {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const at = preAt + b * 4 * H + j;
        const unit = b * H + j;
        const i = hardSigmoid(pre[at]);
        const f = hardSigmoid(pre[at + H]);
        const g = Math.tanh(pre[at + 2 * H]);
        const o = hardSigmoid(pre[at + 3 * H]);
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
        pre[at] = dNext * g * slope(i);
        pre[at + H] = dNext * c[previousAt + unit] * slope(f);
        pre[at + 2 * H] = dNext * i * (1 - g * g);
        pre[at + 3 * H] = dh[unit] * squashed * slope(o);
        dc[unit] = dNext * f;
        dh[unit] = 0;
      }
    }
  },
};
