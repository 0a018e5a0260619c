import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../compute/random.ts';
import { instability, type Tally } from './instability.ts';

const near = (a: number, b: number, within: number) => assert.ok(Math.abs(a - b) <= within, `${a} and ${b}`);

test('the curve that trainings were drawn from is found again, and its foot', () => {
  const random = new Random(5);
  for (const [middle, b] of [
    [3, 4],
    [-2, 9],
  ]) {
    const truth = (threshold: number) => 1 / (1 + Math.exp(-b * (Math.log2(threshold) - middle)));
    const tallies: Tally[] = [-2, -1, -0.5, 0, 0.5, 1, 2].map((octaves) => {
      const threshold = 2 ** (middle + octaves);
      let unstable = 0;
      for (let n = 0; n < 400; n++) if (random.uniform() < truth(threshold)) unstable++;
      return { threshold, trainings: 400, unstable };
    });
    const p = instability(tallies);
    for (const octaves of [-3, -1, 0, 1, 3]) near(p(2 ** (middle + octaves)), truth(2 ** (middle + octaves)), 0.03);
  }
});

test('it rises with the threshold, knows no unit, and what is seen the other way round is its mirror image', () => {
  const seen: Tally[] = [
    { threshold: 1, trainings: 20, unstable: 0 },
    { threshold: 1.5, trainings: 7, unstable: 1 },
    { threshold: 2, trainings: 1, unstable: 1 },
  ];
  const p = instability(seen);
  const thousandfold = instability(seen.map((tally) => ({ ...tally, threshold: 1024 * tally.threshold })));
  const mirrored = instability(
    seen.map(({ threshold, trainings, unstable }) => ({ threshold: 1 / threshold, trainings, unstable: trainings - unstable })),
  );
  let last = 0;
  for (let at = 0.1; at < 10; at *= 1.3) {
    assert.ok(p(at) > last);
    last = p(at);
    near(thousandfold(1024 * at), p(at), 1e-9);
    near(1 - mirrored(1 / at), p(at), 1e-3);
  }
});

test('stable trainings make an unstable one improbable, the more of them and the farther below an unstable one the more', () => {
  const stable = (trainings: number) => instability([{ threshold: 1, trainings, unstable: 0 }])(1);
  assert.ok(stable(2) > stable(5) && stable(5) > stable(20) && stable(20) > 0);
  const beside = (unstable: number) =>
    instability([
      { threshold: 1, trainings: 20, unstable: 0 },
      { threshold: unstable, trainings: 1, unstable: 1 },
    ])(1);
  assert.ok(beside(1.4) > beside(2) && beside(2) > beside(8));
  assert.throws(() => instability([]), /one tally/);
});
