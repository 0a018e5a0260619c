/** What gates go through, and its slope as a function of its value. */
export interface GateFunction {
  value(x: number): number;
  slope(value: number): number;
}

/** The logistic function 1 / (1 + e^-x), without overflow at either end. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

export const logistic: GateFunction = { value: sigmoid, slope: (value) => value * (1 - value) };
