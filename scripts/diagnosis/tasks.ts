import { classesOf, entropy, type Made, made, noisyEntropy, numbersOf } from './made.ts';

/** How a task is drawn. `lag`: how far back what is needed lies, where there is such a thing. */
export interface Place {
  readonly lag: number;
  readonly length: number;
  readonly sequences: number;
  readonly seed: number;
}

export type Task = (place: Place) => Made;

const uniformOf = (random: { uniform(): number }) => random.uniform();

/** The symbol `lag` steps before the newest. */
export const recall =
  (symbols: number): Task =>
  ({ lag, length, ...rest }) =>
    made(classesOf(symbols, symbols), rest, { constant: Math.log(symbols), near: Math.log(symbols), best: 0 }, (random) => {
      const x = Array.from({ length }, () => random.below(symbols));
      return { symbols: x, targets: [{ step: length - 1, value: x[length - 1 - lag] }] };
    });

/** The number at a marked step, `lag` steps back or up to two more. */
export const marked: Task = ({ lag, length, ...rest }) =>
  made(numbersOf(2), rest, { constant: 1 / 12, near: 1 / 12, best: 0 }, (random) => {
    const at = Math.max(0, length - 1 - lag - random.below(3));
    const vectors = Array.from({ length }, (_, t) => [uniformOf(random), t === at ? 1 : 0]);
    return { vectors, targets: [{ step: length - 1, value: vectors[at][0] }] };
  });

/** A sum of the newest input and one `lag` steps back, of which the newest has the larger part: the loss falls without the far one. */
export const nearAndFar =
  (far: number, noise: number): Task =>
  ({ lag, length, ...rest }) =>
    made(numbersOf(1), rest, { constant: 1 + noise, near: far + noise, best: noise }, (random) => {
      const vectors = Array.from({ length }, () => [random.normal()]);
      const value =
        Math.sqrt(1 - far) * vectors[length - 1][0] + Math.sqrt(far) * vectors[length - 1 - lag][0] + Math.sqrt(noise) * random.normal();
      return { vectors, targets: [{ step: length - 1, value }] };
    });

/** Which of two cues came first, among distractors: one `lag` steps back or up to two more, the other half as far. */
export const order: Task = ({ lag, length, ...rest }) =>
  made(classesOf(6, 4), rest, { constant: Math.log(4), near: Math.log(2), best: 0 }, (random) => {
    const x = Array.from({ length }, () => 2 + random.below(4));
    const [first, second] = [random.below(2), random.below(2)];
    const at = Math.max(0, length - 1 - lag - random.below(3));
    x[at] = first;
    x[length - 1 - (lag >> 1)] = second;
    return { symbols: x, targets: [{ step: length - 1, value: 2 * first + second }] };
  });

/** The next value of a first-order autoregression, at every step. */
export const autoregression =
  (coefficient: number): Task =>
  ({ length, ...rest }) => {
    const constant = 1 / (1 - coefficient ** 2);
    return made(numbersOf(1), rest, { constant, near: 1, best: 1 }, (random) => {
      let value = random.normal() * Math.sqrt(constant);
      const vectors: number[][] = [];
      const targets = Array.from({ length }, (_, step) => {
        vectors.push([value]);
        value = coefficient * value + random.normal();
        return { step, value };
      });
      return { vectors, targets };
    });
  };

/** The next symbol of a chain that stays with probability `stay`, else goes anywhere. */
export const chain =
  (symbols: number, stay: number): Task =>
  ({ length, ...rest }) => {
    const best = noisyEntropy(symbols, 1 - stay);
    return made(classesOf(symbols, symbols), rest, { constant: Math.log(symbols), near: best, best }, (random) => {
      let symbol = random.below(symbols);
      const x: number[] = [];
      const targets = Array.from({ length }, (_, step) => {
        x.push(symbol);
        if (random.uniform() >= stay) symbol = random.below(symbols);
        return { step, value: symbol };
      });
      return { symbols: x, targets };
    });
  };

/** Symbols and classes that have nothing to do with each other. */
export const noiseClasses =
  (symbols: number, classes: number): Task =>
  ({ length, ...rest }) =>
    made(
      classesOf(symbols, classes),
      rest,
      { constant: Math.log(classes), near: Math.log(classes), best: Math.log(classes) },
      (random) => ({
        symbols: Array.from({ length }, () => random.below(symbols)),
        targets: [{ step: length - 1, value: random.below(classes) }],
      }),
    );

/** A symbol `lag` steps back that is told wrongly so often that no test can find it in a few sequences. */
export const faint =
  (symbols: number, noise: number): Task =>
  ({ lag, length, ...rest }) =>
    made(
      classesOf(symbols, symbols),
      rest,
      { constant: Math.log(symbols), near: Math.log(symbols), best: noisyEntropy(symbols, noise) },
      (random) => {
        const x = Array.from({ length }, () => random.below(symbols));
        const value = random.uniform() < noise ? random.below(symbols) : x[length - 1 - lag];
        return { symbols: x, targets: [{ step: length - 1, value }] };
      },
    );

/** The mean of the three numbers `lag` to `lag + 2` steps back, on a scale that makes losses and gradients large. */
export const scaledMean =
  (scale: number): Task =>
  ({ lag, length, ...rest }) => {
    const variance = scale ** 2 / 3;
    return made(numbersOf(1), rest, { constant: variance, near: variance, best: 0 }, (random) => {
      const vectors = Array.from({ length }, () => [random.normal()]);
      const first = Math.max(0, length - 3 - lag);
      const value = (scale * (vectors[first][0] + vectors[first + 1][0] + vectors[first + 2][0])) / 3;
      return { vectors, targets: [{ step: length - 1, value }] };
    });
  };

/** The exclusive or of the newest bit and the one `lag` steps before: no trace at any single lag. */
export const delayedXor: Task = ({ lag, length, ...rest }) =>
  made(classesOf(2, 2), rest, { constant: Math.LN2, near: Math.LN2, best: 0 }, (random) => {
    const x = Array.from({ length }, () => random.below(2));
    return { symbols: x, targets: [{ step: length - 1, value: x[length - 1] ^ x[length - 1 - lag] }] };
  });

/** Which third of its range the number `lag` steps back is in. */
export const third: Task = ({ lag, length, ...rest }) =>
  made(
    { input: { kind: 'vectors', size: 1 }, target: { kind: 'classes', size: 3 }, loss: 'crossEntropy' },
    rest,
    { constant: Math.log(3), near: Math.log(3), best: 0.05 },
    (random) => {
      const vectors = Array.from({ length }, () => [3 * random.uniform()]);
      return { vectors, targets: [{ step: length - 1, value: Math.floor(vectors[length - 1 - lag][0]) }] };
    },
  );

// From here on: tasks of which no run was looked at while thresholds were chosen.

/** The oldest symbols that are not a filler decide, and are told wrongly now and then; fillers after them. */
export const keptSymbol =
  (symbols: number, noise: number): Task =>
  ({ lag, length, ...rest }) =>
    made(
      classesOf(2 * symbols, symbols),
      rest,
      { constant: Math.log(symbols), near: Math.log(symbols), best: noisyEntropy(symbols, noise) },
      (random) => {
        const at = length - 1 - lag;
        const kept = random.below(symbols);
        const x = Array.from({ length }, (_, t) => (t === at ? kept : symbols + random.below(symbols)));
        return { symbols: x, targets: [{ step: length - 1, value: random.uniform() < noise ? random.below(symbols) : kept }] };
      },
    );

/** Eight classes: the newest symbol tells which four pairs, a bit `lag` steps back which of the two. */
export const pairAndBit: Task = ({ lag, length, ...rest }) =>
  made(classesOf(8, 8), rest, { constant: Math.log(8), near: Math.LN2, best: 0 }, (random) => {
    const x = Array.from({ length }, () => random.below(8));
    return { symbols: x, targets: [{ step: length - 1, value: 2 * (x[length - 1] >> 1) + (x[length - 1 - lag] & 1) }] };
  });

/** The next value of a second-order autoregression with a period, at every step. */
export const swinging: Task = ({ length, ...rest }) => {
  const [a, b] = [1.2, -0.6];
  const constant = (1 - b) / ((1 + b) * ((1 - b) ** 2 - a ** 2));
  return made(numbersOf(1), rest, { constant, near: 1, best: 1 }, (random) => {
    let [value, before] = [0, 0];
    for (let t = 0; t < 30; t++) [value, before] = [a * value + b * before + random.normal(), value];
    const vectors: number[][] = [];
    const targets = Array.from({ length }, (_, step) => {
      vectors.push([value]);
      [value, before] = [a * value + b * before + random.normal(), value];
      return { step, value };
    });
    return { vectors, targets };
  });
};

/** The next symbol, where the newest two tell which is the likelier of two; at every step. */
export const secondOrder =
  (likely: number): Task =>
  ({ length, ...rest }) => {
    const best = entropy(likely, 1 - likely);
    return made(classesOf(2, 2), rest, { constant: Math.LN2, near: best, best }, (random) => {
      let [symbol, before] = [random.below(2), random.below(2)];
      const x: number[] = [];
      const targets = Array.from({ length }, (_, step) => {
        x.push(symbol);
        const wanted = symbol ^ before;
        [symbol, before] = [random.uniform() < likely ? wanted : 1 - wanted, symbol];
        return { step, value: symbol };
      });
      // The first step has one input only; its target is left out.
      return { symbols: x, targets: targets.slice(1) };
    });
  };

/** Whether the newest number and the one `lag` steps before add up to more than 0. */
export const signOfSum: Task = ({ lag, length, ...rest }) =>
  made(
    { input: { kind: 'vectors', size: 1 }, target: { kind: 'classes', size: 2 }, loss: 'crossEntropy' },
    rest,
    // Given the newest number, the chance is uniform, and the mean entropy of a uniform chance is a half.
    { constant: Math.LN2, near: 0.5, best: 0.02 },
    (random) => {
      const vectors = Array.from({ length }, () => [random.normal()]);
      return { vectors, targets: [{ step: length - 1, value: vectors[length - 1][0] + vectors[length - 1 - lag][0] > 0 ? 1 : 0 }] };
    },
  );

/** Numbers and a number that have nothing to do with each other, on a scale of their own. */
export const noiseNumbers =
  (scale: number): Task =>
  ({ length, ...rest }) =>
    made(numbersOf(2), rest, { constant: scale ** 2, near: scale ** 2, best: scale ** 2 }, (random) => ({
      vectors: Array.from({ length }, () => [random.normal(), random.normal()]),
      targets: [{ step: length - 1, value: scale * random.normal() }],
    }));
