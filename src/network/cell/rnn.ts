import type { CellBackwardStep, CellStep } from '../../compute/backend.ts';
import type { Cell } from './cell.ts';

/** A function and its derivative as a function of its *value*. */
interface Activation {
  readonly value: (pre: number) => number;
  readonly slope: (value: number) => number;
}

/** The plain recurrent network, h_t = f(pre_t) (Elman 1990, "Finding structure in time"). Kept for the backward pass: h_t, in `pre`. */
function plainCell(kind: 'tanh' | 'relu', { value, slope }: Activation): Cell {
  return {
    name: `rnn-${kind}`,
    gates: 1,
    apart: 0,
    states: ['h'],
    bounded: kind === 'tanh',
    functions: [{ name: 'h', kind, in: { gate: 0 } }],
    forward({ B, H, pre, preAt, states: [h], nextAt }: CellStep): void {
      for (let i = 0; i < B * H; i++) {
        pre[preAt + i] = value(pre[preAt + i]);
        h[nextAt + i] = pre[preAt + i];
      }
    },
    backward({ B, H, pre, preAt, dStates: [dh] }: CellBackwardStep): void {
      for (let i = 0; i < B * H; i++) {
        pre[preAt + i] = dh[i] * slope(pre[preAt + i]);
        dh[i] = 0;
      }
    },
  };
}

export const rnnTanh = plainCell('tanh', { value: Math.tanh, slope: (h) => 1 - h * h });

/** The slope at 0 is 0, as in PyTorch. A NaN stays a NaN. */
export const rnnRelu = plainCell('relu', { value: (pre) => (pre < 0 ? 0 : pre), slope: (h) => (h > 0 ? 1 : 0) });
