import type { CellBackwardStep, CellStep, Reals } from '../../compute/backend.ts';
import type { Random } from '../../compute/random.ts';
import type { Cell } from './cell.ts';
import { sigmoid } from './sigmoid.ts';

/** Where the eigenvalues start: |lambda| in this ring, uniform in area, and the angle up to this. */
const ring = { least: 0.9, most: 0.999, angle: Math.PI / 10 } as const;

/**
 * Linear recurrent unit (Orvieto et al. 2023, arXiv 2303.06349, section 3): a complex state that each unit multiplies by an eigenvalue
 * of its own, as two real numbers, x = h + i * imag:
 *
 *     x_t = lambda * x_{t-1} + gamma * s * u_t        u = pre_0 + i pre_1, s = sigmoid(pre_2)
 *
 * with lambda = exp(-exp(nu_log) + i exp(theta_log)), which stays within the unit circle, and gamma = exp(gamma_log), which starts at
 * sqrt(1 - |lambda|²). h, the real part, is what the layer above reads. The gated linear unit that the paper has between its layers
 * stands before the recurrence here (s * u), so that one layer is a network by itself and the whole carried state is linear:
 * dx_t/dx_{t-k} = lambda^k, |lambda|^k in size whatever the input. Kept for the backward pass: u and s in `pre`.
 */
export const lru: Cell = {
  name: 'lru',
  gates: 6,
  apart: 0,
  states: ['h', 'imag'],
  recurrentMatrix: false,
  functions: [{ name: 's', kind: 'sigmoid', in: { gate: 2 } }],

  units: {
    names: ['nu_log', 'theta_log', 'gamma_log'],

    initialize(values: Reals, at: number, H: number, random: Random): void {
      for (let j = 0; j < H; j++) {
        const square = ring.least ** 2 + random.uniform() * (ring.most ** 2 - ring.least ** 2);
        values[at + j] = Math.log(-Math.log(square) / 2);
        // An angle of 0 would have no logarithm.
        values[at + H + j] = Math.log(ring.angle * (1 - random.uniform()));
        values[at + 2 * H + j] = Math.log(1 - square) / 2;
      }
    },

    /** Re lambda, Im lambda, gamma. */
    constants(values: Reals, at: number, H: number, out: Reals, to: number): void {
      for (let j = 0; j < H; j++) {
        const size = Math.exp(-Math.exp(values[at + j]));
        const angle = Math.exp(values[at + H + j]);
        out[to + j] = size * Math.cos(angle);
        out[to + H + j] = size * Math.sin(angle);
        out[to + 2 * H + j] = Math.exp(values[at + 2 * H + j]);
      }
    },

    backward(values: Reals, at: number, H: number, gradient: Reals, gradientAt: number, out: Reals, to: number): void {
      for (let j = 0; j < H; j++) {
        const decay = Math.exp(values[at + j]);
        const angle = Math.exp(values[at + H + j]);
        const size = Math.exp(-decay);
        const [real, imaginary] = [size * Math.cos(angle), size * Math.sin(angle)];
        const dReal = gradient[gradientAt + j];
        const dImaginary = gradient[gradientAt + H + j];
        out[to + j] -= decay * (dReal * real + dImaginary * imaginary);
        out[to + H + j] += angle * (dImaginary * real - dReal * imaginary);
        out[to + 2 * H + j] += gradient[gradientAt + 2 * H + j] * Math.exp(values[at + 2 * H + j]);
      }
    },
  },

  forward({ B, H, pre, preAt, states: [h, imag], previousAt, nextAt, units, unitsAt }: CellStep): void {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const at = preAt + b * 6 * H + j;
        const unit = b * H + j;
        const real = units[unitsAt + j];
        const imaginary = units[unitsAt + H + j];
        const s = sigmoid(pre[at + 2 * H]);
        const weight = units[unitsAt + 2 * H + j] * s;
        const x = h[previousAt + unit];
        const y = imag[previousAt + unit];
        h[nextAt + unit] = real * x - imaginary * y + weight * pre[at];
        imag[nextAt + unit] = real * y + imaginary * x + weight * pre[at + H];
        pre[at + 2 * H] = s;
      }
    }
  },

  backward({ B, H, pre, preAt, states: [h, imag], previousAt, dStates: [dh, dImag], units, unitsAt }: CellBackwardStep): void {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const at = preAt + b * 6 * H + j;
        const unit = b * H + j;
        const real = units[unitsAt + j];
        const imaginary = units[unitsAt + H + j];
        const gamma = units[unitsAt + 2 * H + j];
        const s = pre[at + 2 * H];
        const [dx, dy] = [dh[unit], dImag[unit]];
        const [x, y] = [h[previousAt + unit], imag[previousAt + unit]];
        const along = dx * pre[at] + dy * pre[at + H];
        pre[at] = gamma * s * dx;
        pre[at + H] = gamma * s * dy;
        pre[at + 2 * H] = gamma * along * s * (1 - s);
        pre[at + 3 * H] = dx * x + dy * y;
        pre[at + 4 * H] = dy * x - dx * y;
        pre[at + 5 * H] = s * along;
        dh[unit] = real * dx + imaginary * dy;
        dImag[unit] = real * dy - imaginary * dx;
      }
    }
  },
};
