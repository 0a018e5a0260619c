import type { Backend } from '../backend.ts';

/** Operations on a run of values, one by one. */

export const add: Backend['add'] = (x, xAt, y, yAt, length) => {
  for (let i = 0; i < length; i++) y[yAt + i] += x[xAt + i];
};

export const scale: Backend['scale'] = (x, xAt, length, factor) => {
  for (let i = xAt; i < xAt + length; i++) x[i] *= factor;
};

export const clampValues: Backend['clampValues'] = (x, xAt, length, limit) => {
  let changed = 0;
  for (let i = xAt; i < xAt + length; i++) {
    if (Math.abs(x[i]) > limit) {
      x[i] = x[i] > 0 ? limit : -limit;
      changed++;
    }
  }
  return changed;
};

export const sumSquares: Backend['sumSquares'] = (x, xAt, length) => {
  let sum = 0;
  for (let i = xAt; i < xAt + length; i++) sum += x[i] * x[i];
  return sum;
};

export const firstNonFinite: Backend['firstNonFinite'] = (x, xAt, length) => {
  for (let i = 0; i < length; i++) {
    if (!Number.isFinite(x[xAt + i])) return i;
  }
  return -1;
};
