import { classesOf, entropy, made, noisyEntropy, numbersOf } from './made.ts';
import type { Task } from './tasks.ts';

/** Tasks of the families in heldOut.ts: none of them was judged while the judge was made. */

/** The sum of two marked numbers: one `lag` steps back or up to three more, the other in the newer half of those. */
export const twoMarked: Task = ({ lag, length, ...rest }) =>
  made(numbersOf(2), rest, { constant: 1 / 6, near: 1 / 12, best: 0 }, (random) => {
    const far = Math.max(0, length - 1 - lag - random.below(4));
    const near = length - 1 - random.below(Math.max(1, lag >> 1));
    const vectors = Array.from({ length }, (_, t) => [random.uniform(), t === far || t === near ? 1 : 0]);
    return { vectors, targets: [{ step: length - 1, value: vectors[far][0] + vectors[near][0] }] };
  });

/** Which of two symbols is in the majority among the five that end `lag` steps back. */
export const majority: Task = ({ lag, length, ...rest }) =>
  made(classesOf(2, 2), rest, { constant: Math.LN2, near: Math.LN2, best: 0 }, (random) => {
    const x = Array.from({ length }, () => random.below(2));
    let ones = 0;
    for (let back = lag; back < Math.min(length, lag + 5); back++) ones += 2 * x[length - 1 - back] - 1;
    return { symbols: x, targets: [{ step: length - 1, value: ones > 0 ? 1 : 0 }] };
  });

/** At four steps from `lag` on: the first symbol, which is of an alphabet of its own. */
export const held =
  (symbols: number): Task =>
  ({ lag, length, ...rest }) =>
    made(classesOf(symbols + 4, symbols), rest, { constant: Math.log(symbols), near: Math.log(symbols), best: 0 }, (random) => {
      const first = random.below(symbols);
      const x = Array.from({ length }, (_, t) => (t === 0 ? first : symbols + random.below(4)));
      return { symbols: x, targets: Array.from({ length: Math.min(4, length - lag) }, (_, i) => ({ step: lag + i, value: first })) };
    });

/** At four steps from `lag` on: which of four the newest symbol is, told together with a bit that the first symbol sets. */
export const heldBit: Task = ({ lag, length, ...rest }) =>
  made(classesOf(6, 8), rest, { constant: Math.log(8), near: Math.LN2, best: 0 }, (random) => {
    const bit = random.below(2);
    const x = Array.from({ length }, (_, t) => (t === 0 ? 4 + bit : random.below(4)));
    return {
      symbols: x,
      targets: Array.from({ length: Math.min(4, length - lag) }, (_, i) => ({ step: lag + i, value: 2 * x[lag + i] + bit })),
    };
  });

/** At every step: the symbol `lag` steps before, where there is one. */
export const echo =
  (symbols: number): Task =>
  ({ lag, length, ...rest }) =>
    made(classesOf(symbols, symbols), rest, { constant: Math.log(symbols), near: Math.log(symbols), best: 0 }, (random) => {
      const x = Array.from({ length }, () => random.below(symbols));
      return { symbols: x, targets: Array.from({ length: length - lag }, (_, i) => ({ step: lag + i, value: x[i] })) };
    });

/** A number shown once, `lag` steps before the newest, in an input that is 0 otherwise; beside it an input of noise that adds its newest value. */
export const pulse =
  (noise: number): Task =>
  ({ lag, length, ...rest }) =>
    made(numbersOf(2), rest, { constant: 1.25 + noise, near: 1 + noise, best: noise }, (random) => {
      const at = length - 1 - lag;
      const vectors = Array.from({ length }, (_, t) => [t === at ? random.normal() : 0, random.normal()]);
      const value = vectors[at][0] + 0.5 * vectors[length - 1][1] + Math.sqrt(noise) * random.normal();
      return { vectors, targets: [{ step: length - 1, value }] };
    });

/** The next value of a process whose coefficient depends on the sign of the newest value, at every step. */
export const thresholdProcess: Task = ({ length, ...rest }) => {
  // Its variance has no closed form; this is that of three simulations of ten million steps.
  const constant = 1.651;
  return made(numbersOf(1), rest, { constant, near: 1, best: 1 }, (random) => {
    let value = 0;
    const next = () => (value > 0 ? 0.8 : -0.4) * value + random.normal();
    for (let t = 0; t < 50; t++) value = next();
    const vectors: number[][] = [];
    const targets = Array.from({ length }, (_, step) => {
      vectors.push([value]);
      value = next();
      return { step, value };
    });
    return { vectors, targets };
  });
};

/** A text: the next letter of six, at every step, where the newest says with probability 0.9 which one follows. */
export const stream: Task = ({ length, ...rest }) => {
  const best = entropy(0.9, 0.1);
  return made(classesOf(6, 6), rest, { constant: Math.log(6), near: best, best }, (random) => {
    let symbol = random.below(6);
    const x: number[] = [];
    const targets = Array.from({ length }, (_, step) => {
      x.push(symbol);
      symbol = (symbol + (random.uniform() < 0.9 ? 1 : 4)) % 6;
      return { step, value: symbol };
    });
    return { symbols: x, targets };
  });
};

/** A class at every step that has nothing to do with the numbers read. */
export const noiseEveryStep =
  (classes: number): Task =>
  ({ length, ...rest }) => {
    const loss = Math.log(classes);
    const shape = { input: { kind: 'vectors', size: 3 }, target: { kind: 'classes', size: classes }, loss: 'crossEntropy' } as const;
    return made(shape, rest, { constant: loss, near: loss, best: loss }, (random) => ({
      vectors: Array.from({ length }, () => [random.normal(), random.normal(), random.normal()]),
      targets: Array.from({ length }, (_, step) => ({ step, value: random.below(classes) })),
    }));
  };

/** A class that an input `lag` steps back says, so rarely that few sequences do not show it. */
export const faintNumber =
  (noise: number): Task =>
  ({ lag, length, ...rest }) =>
    made(
      { input: { kind: 'vectors', size: 1 }, target: { kind: 'classes', size: 2 }, loss: 'crossEntropy' },
      rest,
      { constant: Math.LN2, near: Math.LN2, best: noisyEntropy(2, noise) },
      (random) => {
        const vectors = Array.from({ length }, () => [random.normal()]);
        const told = vectors[length - 1 - lag][0] > 0 ? 1 : 0;
        return { vectors, targets: [{ step: length - 1, value: random.uniform() < noise ? random.below(2) : told }] };
      },
    );
