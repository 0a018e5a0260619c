import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../compute/random.ts';
import { ExplosionDetector, type Sign, type UpdateLook } from './detector.ts';
import { luck } from './explosion.ts';

/** The signs of a stream of updates, with their update from 1. */
function signs(looks: readonly UpdateLook[], detector = new ExplosionDetector()): (Sign & { update: number })[] {
  return looks.flatMap((look, i) => {
    const sign = detector.see(look);
    return sign ? [{ ...sign, update: i + 1 }] : [];
  });
}

const noisy = (level: number, count: number, seed = 1): UpdateLook[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => ({ loss: level * Math.exp(0.1 * random.normal()), gradientNorm: 1 }));
};

describe('gradient descent on a quadratic loss x²/2 · curvature', () => {
  /** Looks of plain gradient descent from x = 1: the loss, and by how much the step at hand lowers it to first order. */
  const descent = (rate: number, curvature: number, steps: number): UpdateLook[] => {
    let x = 1;
    return Array.from({ length: steps }, () => {
      const gradient = curvature * x;
      const look = { loss: (curvature * x * x) / 2, gradientNorm: Math.abs(gradient), decrease: rate * gradient * gradient };
      x -= rate * gradient;
      return look;
    });
  };

  test('it converges where rate times curvature is below 2: no sign, whatever the scale', () => {
    for (const scale of [1e-6, 1, 1e9])
      for (const product of [0.1, 1, 1.9]) assert.deepEqual(signs(descent(product / scale, scale, 200)), []);
  });

  test('it diverges above 2: seen at the third update at the latest, when the loss is not ten times what it was', () => {
    for (const scale of [1e-6, 1, 1e9]) {
      for (const product of [2.1, 3, 10, 1e6]) {
        const looks = descent(product / scale, scale, 40);
        const [first] = signs(looks);
        assert.equal(first.kind, 'overshoot');
        assert.ok(first.update <= 3);
        if (product < 3) assert.ok(looks[first.update - 1].loss < 10 * looks[0].loss);
        // Far beyond, the first step is enough.
        if (product > 16) assert.equal(first.update, 1);
      }
    }
  });
});

test('what is not finite is a sign at once, in the loss, the gradient, or as it was named', () => {
  assert.equal(signs([{ loss: Number.NaN, gradientNorm: 1 }])[0].kind, 'nonFinite');
  assert.equal(signs([{ loss: 1, gradientNorm: Infinity }])[0].kind, 'nonFinite');
  assert.match(signs([{ loss: 1, gradientNorm: 1, nonFinite: 'update of weight_hh_l0' }])[0].because, /update of weight_hh_l0/);
});

test('a step that overshoots behind a bounded state is a leap; one of the read-out too, or of a state that may grow, is an explosion', () => {
  const kinds = (readoutDecrease: number | null | undefined, loss = 2) =>
    signs([{ loss, gradientNorm: 10, decrease: 100, readoutDecrease }]).map(({ kind, exploding }) => [kind, exploding]);
  assert.deepEqual(kinds(0.1), [['leap', false]]);
  assert.deepEqual(kinds(1.9), [['leap', false]]);
  assert.deepEqual(kinds(2.1), [['overshoot', true]]);
  assert.deepEqual(kinds(null), [['overshoot', true]]);
  assert.deepEqual(kinds(undefined), [['overshoot', true]]);
  assert.deepEqual(kinds(0.1, 50), []);
  // A loss that is thrown up all the same is a divergence.
  const thrown = Array.from({ length: 12 }, (_, i) => ({
    loss: i === 0 ? 1 : 40,
    gradientNorm: 10,
    decrease: 5000,
    readoutDecrease: 0.1,
    sequences: 16,
  }));
  assert.ok(signs(thrown).some(({ kind }) => kind === 'divergence'));
});

test('a gradient that grows ten-thousandfold through time is one at the first update, before any loss has moved; less is none', () => {
  const growth = (oldest: number, middle = oldest / 2) => ({ newest: 0, middle, oldest, lag: 100 });
  const [sign] = signs([{ loss: 1, gradientNorm: 3, growth: growth(6) }]);
  assert.deepEqual([sign.kind, sign.update, sign.exploding], ['throughTime', 1, false]);
  assert.deepEqual(signs([{ loss: 1, gradientNorm: 3, growth: growth(3) }]), []);
  // Losses at every step: it grows where they enter, and not any more further back.
  assert.deepEqual(signs([{ loss: 1, gradientNorm: 3, growth: growth(4.5, 4.4) }]), []);
});

/** The mean of n squares of normal numbers. */
const meanSquare = (random: Random, n: number) => Array.from({ length: n }, () => random.normal() ** 2).reduce((sum, x) => sum + x, 0) / n;

test('the mean of n squares of normal numbers is below `luck` in one case of a thousand at most, and not far below it', () => {
  const random = new Random(11);
  for (const n of [1, 2, 4, 16]) {
    const [low, lower] = [luck(n), 4 * luck(n)];
    const means = Array.from({ length: 20000 }, () => meanSquare(random, n));
    // 20 of 20000 are expected at most, and 36 are out of the question (3.5 deviations).
    assert.ok(means.filter((mean) => mean < low).length <= 36, `${n}`);
    assert.ok(
      means.some((mean) => mean < lower),
      `${n}`,
    );
  }
  // Where the sum is exponential: P(x < 2 x₀ / 2) = 1 - exp(-x₀), x₀ = 0.001.
  assert.ok(Math.abs(luck(2) - 1e-3) < 1e-12);
});

describe('steps whose length does not grow with the gradient', () => {
  const first = (ratio: number, sequences: number) => signs([{ loss: 2, gradientNorm: 1, firstDecrease: 2 * ratio, sequences }]);

  test('the first is an overshoot where it would take far more from the loss than there is, whatever the luck of that loss', () => {
    assert.deepEqual(first(60, 16), []);
    assert.deepEqual([first(70, 16)[0].kind, first(70, 16)[0].update], ['overshoot', 1]);
    assert.deepEqual(first(1000, 1), []);
    assert.equal(first(30000, 1)[0].kind, 'overshoot');
  });

  test('thrown up by them, the loss of sixteen sequences is a divergence after five updates; that of one sequence has to rise far more', () => {
    const thrown = (times: number, sequences: number) =>
      signs([1, 1.1, ...Array.from({ length: 20 }, () => times)].map((loss) => ({ loss, gradientNorm: 1, sequences })));
    assert.deepEqual([thrown(30, 16)[0].kind, thrown(30, 16)[0].update], ['divergence', 7]);
    assert.deepEqual(thrown(30, 1), []);
    assert.equal(thrown(1e7, 1)[0].kind, 'divergence');
  });

  test('a loss that rises slowly has no level before: it is held against the first losses, for longer where they are of one sequence', () => {
    const rising = (sequences: number) =>
      signs(Array.from({ length: 300 }, (_, i) => ({ loss: 1 + (i / 20) ** 2, gradientNorm: 1, sequences }))).find(
        ({ exploding }) => exploding,
      );
    // 2.5 / luck(16) = 12.5, which 1 + (i / 20)² passes at i = 68.
    assert.deepEqual([rising(16)?.kind, (rising(16)?.update as number) < 80], ['divergence', true]);
    assert.equal(rising(1)?.kind, 'divergence');
  });

  test('no learning curve of independent squares, of one sequence or more, is one, wherever the first of them happened to lie', () => {
    for (const sequences of [1, 2, 16]) {
      const random = new Random(sequences);
      let alarms = 0;
      for (let run = 0; run < 300; run++) {
        const looks = Array.from({ length: 30 }, () => ({ loss: meanSquare(random, sequences), gradientNorm: 1, sequences }));
        alarms += Number(signs(looks).some(({ exploding }) => exploding));
      }
      assert.equal(alarms, 0);
    }
  });
});

describe('the learning curve', () => {
  test('noise, a slow fall to nothing, and a plateau are no sign', () => {
    assert.deepEqual(signs(noisy(1, 500)), []);
    const falling = noisy(1, 600).map((look, i) => ({ ...look, loss: look.loss * 0.98 ** i }));
    assert.deepEqual(signs(falling), []);
  });

  test('one high loss is a spike, not an explosion', () => {
    const looks = noisy(1, 200);
    looks[150] = { loss: 30, gradientNorm: 1 };
    const found = signs(looks);
    assert.deepEqual(
      found.map(({ kind, update, exploding }) => [kind, update, exploding]),
      [['spike', 151, false]],
    );
  });

  test('a loss that rises far above where learning began is a divergence within five updates', () => {
    const found = signs([...noisy(1, 100), ...noisy(50, 30)]);
    const divergence = found.find(({ kind }) => kind === 'divergence') as Sign & { update: number };
    assert.ok(divergence.exploding && divergence.update <= 105, `${divergence.update}`);
  });

  test('what was learned and is lost for good is one; a loss that comes back is not, and neither are jumps of one near 0', () => {
    const learned = [...noisy(1, 40), ...noisy(0.1, 150)];
    assert.ok(signs([...learned, ...noisy(0.8, 60)]).some(({ kind }) => kind === 'divergence'));
    const back = signs([...learned, ...noisy(0.8, 8), ...noisy(0.1, 100)]);
    assert.ok(back.length > 0 && back.every(({ exploding }) => !exploding));
    const converged = [...noisy(1, 40), ...noisy(1e-5, 150), ...noisy(1e-3, 40), ...noisy(1e-5, 50)];
    assert.ok(signs(converged).every(({ exploding }) => !exploding));
  });

  test('a loss that stays somewhat higher after a spike: a plateau, fifty updates later', () => {
    const found = signs([...noisy(1, 150), { loss: 40, gradientNorm: 1 }, ...noisy(1.9, 80)]);
    const plateau = found.find(({ kind }) => kind === 'plateau');
    assert.equal(plateau?.update, 201);
  });
});

test('taken up at any update, it judges as if it had seen all', () => {
  const random = new Random(5);
  const looks: UpdateLook[] = Array.from({ length: 260 }, (_, i) => ({
    loss: (i > 180 ? 4 : 1) * Math.exp(0.5 * random.normal()) * (i % 97 === 0 ? 50 : 1),
    gradientNorm: 1,
    decrease: 3 * Math.exp(random.normal()),
  }));
  const whole = signs(looks);
  assert.ok(new Set(whole.map(({ kind }) => kind)).size >= 3);
  for (const stop of [0, 1, 7, 60, 150, 200]) {
    const first = new ExplosionDetector();
    const before = signs(looks.slice(0, stop), first);
    const second = new ExplosionDetector();
    second.restore(first.save());
    const after = signs(looks.slice(stop), second).map((sign) => ({ ...sign, update: sign.update + stop }));
    assert.deepEqual([...before, ...after], whole, `taken up after ${stop}`);
  }
});
