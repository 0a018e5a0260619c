import type { Random } from '../../src/compute/random.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { makeTask, type TaskOptions } from '../../src/index.ts';
import { autoregression, chain, made, nextStep, settled, upTo } from './made.ts';

export interface Family {
  readonly name: string;
  /** The true data horizon. */
  readonly truth: number;
  make(random: Random): Dataset;
}

const between = (random: Random, least: number, most: number) => least + random.below(most - least + 1);
/** Small ones, so that a thousand of them are affordable. */
const small = (random: Random) => {
  const every = random.below(4) === 0;
  return { N: every ? between(random, 40, 100) : between(random, 60, 240), T: between(random, 12, 40), every };
};
const size = (random: Random) => ({ N: between(random, 80, 300), T: between(random, 12, 48), every: random.below(2) === 0 });

/** Nothing is older than the truth: any longer horizon is a false alarm. Sizes and tables are drawn anew for every data set. */
export const nullFamilies: readonly Family[] = [
  { name: 'independent noise', truth: 0, make: noise },
  { name: 'AR(1), 0.9', truth: 1, make: (random) => autoregressive(random, [0.9], small) },
  { name: 'AR(1), 0.99', truth: 1, make: (random) => autoregressive(random, [0.99], small) },
  {
    name: 'Markov chain of order 2',
    truth: 2,
    make(random) {
      const { N, T, every } = small(random);
      const symbols = between(random, 2, 4);
      return nextStep(N, T, every, chain(random, 2, symbols), { symbols, classes: symbols });
    },
  },
];

/** What could fool such a test. */
export const otherNulls: readonly Family[] = [
  { name: 'AR(3), 0.5 0.2 0.25', truth: 3, make: (random) => autoregressive(random, [0.5, 0.2, 0.25]) },
  {
    name: 'exponential autoregression (bent)',
    truth: 1,
    make(random) {
      const { N, T, every } = size(random);
      const process = (length: number) => settled(length, [0], (z) => bent(z[z.length - 1]) + 0.6 * random.normal());
      return nextStep(N, T, every, process);
    },
  },
  {
    name: 'bilinear, of two steps',
    truth: 2,
    make(random) {
      const { N, T, every } = size(random);
      const process = (length: number) =>
        settled(length, [0, 0], (z) => Math.tanh(0.8 * z[z.length - 1] + z[z.length - 1] * z[z.length - 2]) + 0.5 * random.normal());
      return nextStep(N, T, every, process);
    },
  },
  {
    name: 'changing variance (ARCH)',
    truth: 0,
    make(random) {
      const { N, T, every } = size(random);
      const process = (length: number) => settled(length, [0], (z) => Math.sqrt(0.3 + 0.6 * z[z.length - 1] ** 2) * random.normal());
      return nextStep(N, T, every, process);
    },
  },
  {
    name: 'drift over the sequences',
    truth: 0,
    make(random) {
      const { N, T } = size(random);
      return made(N, {}, (n) => ({
        x: upTo(T).map(() => 2 * Math.sin((3 * n) / N) + random.normal()),
        y: [2 * Math.sin((3 * n) / N) + random.normal()],
        steps: [T - 1],
      }));
    },
  },
  {
    name: 'trend within the sequences',
    truth: 0,
    make(random) {
      const { N, T } = size(random);
      return nextStep(N, T, true, (length) => upTo(length).map((t) => 5 * (t / T) ** 2 + random.normal()));
    },
  },
  {
    name: 'heavy tails (Student, 2 degrees)',
    truth: 0,
    make(random) {
      const { N, T } = size(random);
      const student = () => random.normal() / Math.sqrt(-Math.log(1 - random.uniform()));
      return made(N, { inputs: 2 }, () => ({ x: upTo(T).map(() => [student(), student()]), y: [student()], steps: [T - 1] }));
    },
  },
  {
    name: 'Markov chain of order 1, 9 symbols, lengths vary',
    truth: 1,
    make(random) {
      const { N, T } = size(random);
      const process = chain(random, 1, 9);
      return made(N, { symbols: 9, classes: 9 }, () => {
        const length = between(random, 3, T);
        const z = process(length + 1);
        return { x: z.slice(0, length), y: z.slice(1), steps: upTo(length) };
      });
    },
  },
  {
    name: 'product of three slow numbers of the newest step',
    truth: 1,
    make: (random) => slow(random, 3, (x) => x[x.length - 1].reduce((product, each) => product * each)),
  },
  {
    name: 'product of the three newest of slow numbers',
    truth: 3,
    make: (random) => slow(random, 1, (x) => x.slice(-3).reduce((product, [each]) => product * each, 1)),
  },
];

/** Autoregressions with coefficient 0.9 and variance 1, and a target at the last step, of which noise is 0.2. */
function slow(random: Random, inputs: number, target: (x: number[][]) => number): Dataset {
  const { N, T } = size(random);
  const process = autoregression(random, [0.9]);
  return made(N, { inputs }, () => {
    const columns = upTo(inputs).map(() => process(T));
    const x = upTo(T).map((t) => columns.map((column) => column[t] * Math.sqrt(1 - 0.9 ** 2)));
    return { x, y: [target(x) + 0.2 * random.normal()], steps: [T - 1] };
  });
}

const bent = (z: number) => (0.2 + 1.3 * Math.exp(-z * z)) * z;

function autoregressive(random: Random, coefficients: readonly number[], sized = size): Dataset {
  const { N, T, every } = sized(random);
  return nextStep(N, T, every, autoregression(random, coefficients));
}

function noise(random: Random): Dataset {
  const { N, T, every } = small(random);
  switch (random.below(4)) {
    case 0:
      return made(N, {}, () => ({ x: upTo(T).map(() => random.normal()), y: [random.normal()], steps: [T - 1] }));
    case 1: {
      const [symbols, classes] = [between(random, 2, 7), between(random, 2, 6)];
      const steps = every ? upTo(T) : [T - 1];
      return made(N, { symbols, classes }, () => ({
        x: upTo(T).map(() => random.below(symbols)),
        y: steps.map(() => random.below(classes)),
        steps,
      }));
    }
    case 2:
      return made(N, { inputs: 3, outputs: 2, binary: true }, () => ({
        x: upTo(T).map(() => [random.uniform(), random.below(2), random.normal()]),
        y: [[random.below(2), random.uniform() < 0.1 ? 1 : 0]],
        steps: [T - 1],
      }));
    default:
      return made(N, { symbols: 6, classes: 2 }, () => ({
        x: upTo(T).map(() => (random.uniform() < 0.05 ? 5 : random.below(5))),
        y: [random.uniform() < 0.08 ? 1 : 0],
        steps: [T - 1],
      }));
  }
}

const N = 3000;
const task = (name: string, truth: number, options: Partial<TaskOptions>): Family => ({
  name,
  truth,
  make: (random) =>
    makeTask({ kind: 'task', trainSequences: N, validationSequences: 1, seed: random.below(2 ** 31), ...options } as TaskOptions).train,
});
const bits = (random: Random, T: number, target: (x: number[]) => number) =>
  made(N, { symbols: 2, classes: 2 }, () => {
    const x = upTo(T).map(() => random.below(2));
    return { x, y: [target(x)], steps: [T - 1] };
  });

const exclusiveOr = (T: number): Family => ({
  name: `XOR of the newest and lag 50, T = ${T}`,
  truth: 51,
  make: (random) => bits(random, T, (x) => x[T - 1] ^ x[T - 51]),
});

/** Symbols 0, 1 and a marker, 2, once in each half; the bits after the two markers decide. */
const markedExclusiveOr = (T: number): Family => ({
  name: `XOR of the bits after two markers anywhere, T = ${T}`,
  truth: T,
  make: (random) =>
    made(N, { symbols: 3, classes: 2 }, () => {
      const x = upTo(T).map(() => random.below(2));
      const one = random.below(T / 2 - 1);
      const other = T / 2 + random.below(T / 2 - 1);
      x[one] = x[other] = 2;
      return { x, y: [x[one + 1] ^ x[other + 1]], steps: [T - 1] };
    }),
});

/** What has to be found, with 3,000 sequences each. */
export const powerFamilies: readonly Family[] = [
  ...[10, 100, 300].map((lag) => task(`recall, lag ${lag}, T = 400`, lag + 1, { name: 'recall', lag, length: 400 })),
  exclusiveOr(100),
  ...[100, 200, 400].flatMap((length) => [
    task(`adding, T = ${length}`, length, { name: 'adding', length }),
    task(`temporal order, T = ${length}`, length - Math.ceil(length / 10), { name: 'temporalOrder', length }),
  ]),
  exclusiveOr(400),
  { name: 'XOR of lags 17 and 230, T = 300', truth: 231, make: (random) => bits(random, 300, (x) => x[300 - 18] ^ x[300 - 231]) },
  {
    name: 'parity of three lags, 10% wrong, T = 200',
    truth: 151,
    make: (random) => bits(random, 200, (x) => x[200 - 4] ^ x[200 - 71] ^ x[200 - 151] ^ (random.uniform() < 0.1 ? 1 : 0)),
  },
  task('parity of all, T = 60', 60, { name: 'parity', length: 60 }),
  task('copying, delay 60, every step', 71, { name: 'copying', length: 60 }),
  {
    name: 'the symbol after a marker anywhere, T = 150',
    truth: 150,
    make: (random) =>
      made(N, { symbols: 7, classes: 6 }, () => {
        const x = upTo(150).map(() => random.below(6));
        const at = random.below(149);
        x[at] = 6;
        return { x, y: [x[at + 1]], steps: [149] };
      }),
  },
  {
    name: 'majority of 120 symbols',
    truth: 120,
    make: (random) =>
      made(N, { symbols: 3, classes: 2 }, () => {
        const x = upTo(120).map(() => random.below(3));
        return { x, y: [x.filter((each) => each === 0).length > x.filter((each) => each === 1).length ? 1 : 0], steps: [119] };
      }),
  },
  {
    name: 'seasonal autoregression, lag 30, every step',
    truth: 30,
    make: (random) =>
      nextStep(N, 90, true, (length) =>
        settled(
          length,
          upTo(30).map(() => 0),
          (z) => 0.7 * z[z.length - 30] + random.normal(),
        ),
      ),
  },
  {
    name: 'product of two numbers, lags 5 and 80',
    truth: 81,
    make: (random) =>
      made(N, { inputs: 2 }, () => {
        const x = upTo(100).map(() => [random.normal(), random.normal()]);
        return { x, y: [x[94][0] * x[19][1] + 0.5 * random.normal()], steps: [99] };
      }),
  },
  {
    name: 'labels of 25 steps ago, every step',
    truth: 26,
    make: (random) =>
      made(N, { inputs: 4, outputs: 4, binary: true }, () => {
        const x = upTo(60).map(() => upTo(4).map(() => random.below(2)));
        const steps = upTo(60).slice(25);
        return { x, y: steps.map((t) => x[t - 25].map((bit) => (random.uniform() < 0.1 ? 1 - bit : bit))), steps };
      }),
  },
  ...[50, 100].map(markedExclusiveOr),
];
