/** What the runs of known truth learn from. */

import { Random } from '../../src/compute/random.ts';
import type { DataParts } from '../../src/data/dataset.ts';
import { sequencesData } from '../../src/data/sequences.ts';
import { makeTask } from '../../src/data/task/tasks.ts';

/** A task of the project. */
export const task = (options: object) => async () =>
  makeTask({ kind: 'task', trainSequences: 1000, validationSequences: 64, ...options } as never);

/**
 * A stream of numbers at every step, and as its target the mean of the newest five.
 *
 * @param scale factor of the targets.
 * @param tails degrees of freedom of Student's distribution that the inputs are from; normal ones without.
 */
export function averages({ length = 30, scale = 1, tails = Infinity, seed = 1 } = {}): () => Promise<DataParts> {
  return () => {
    const lines = (count: number, random: Random) =>
      Array.from({ length: count }, () => {
        const x = Array.from({ length }, () => student(random, tails));
        const y = x.map((_, t) => (scale * x.slice(Math.max(0, t - 4), t + 1).reduce((sum, each) => sum + each, 0)) / 5);
        return JSON.stringify({ x: x.map((each) => [each]), y });
      });
    const train = { file: 'train', lines: lines(600, new Random(2 * seed)) };
    const validation = { file: 'validation', lines: lines(64, new Random(2 * seed + 1)) };
    return sequencesData({ train, validation, options: { kind: 'sequences', loss: 'mse', targets: 'every' } });
  };
}

/** Three streams of numbers, and at every step a fixed random combination of their newest eight values, of variance 1 times scale². */
export function filter({ length = 30, scale = 1, tails = Infinity, seed = 3 } = {}): () => Promise<DataParts> {
  return () => {
    const drawn = new Random(77);
    const weights = Array.from({ length: 8 }, () => Array.from({ length: 3 }, () => drawn.normal() / Math.sqrt(24)));
    const lines = (count: number, random: Random) =>
      Array.from({ length: count }, () => {
        const x = Array.from({ length }, () => Array.from({ length: 3 }, () => student(random, tails)));
        const y = x.map((_, t) => {
          let sum = 0;
          for (let k = 0; k < 8 && k <= t; k++) for (let i = 0; i < 3; i++) sum += weights[k][i] * x[t - k][i];
          return scale * sum;
        });
        return JSON.stringify({ x, y });
      });
    const train = { file: 'train', lines: lines(600, new Random(2 * seed)) };
    const validation = { file: 'validation', lines: lines(64, new Random(2 * seed + 1)) };
    return sequencesData({ train, validation, options: { kind: 'sequences', loss: 'mse', targets: 'every' } });
  };
}

/** Normal, over the root of a mean of squares of normal ones. */
function student(random: Random, degrees: number): number {
  const value = random.normal();
  if (degrees === Infinity) return value;
  let squares = 0;
  for (let i = 0; i < degrees; i++) squares += random.normal() ** 2;
  return value / Math.sqrt(squares / degrees);
}
