/** Every map between orthogonal matrices, against rotations whose angles are known; and matrices that stay orthogonal through many updates. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend, Reals } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { orthogonality } from '../../src/monitor/orthogonality.ts';
import { orthogonal } from '../../src/network/init/orthogonal.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { orthogonalMaps } from '../../src/network/orthogonal/orthogonals.ts';
import { Squares } from '../../src/network/orthogonal/squares.ts';
import { optimizers } from '../../src/training/optimizer/optimizers.ts';
import { trainingDefaults } from '../../src/training/options.ts';
import { Updater } from '../../src/training/updater.ts';
import { wasmBackends } from './guarded.ts';

const backends: readonly (readonly [string, Backend])[] = [['scalar', scalarBackend()], ...wasmBackends];

/** By what angle each map turns the plane of a pair of eigenvalues ±i angle of A. */
const angles: Record<string, (angle: number) => number> = {
  exponential: (angle) => angle,
  cayley: (angle) => 2 * Math.atan(angle / 2),
  polar: Math.atan,
};

/** Q B Qᵀ for B of 2 x 2 blocks, made of two numbers of each pair: on its diagonal, and above it and (negative) below. The last of an odd H is `single`. */
function ofPlanes(Q: ArrayLike<number>, H: number, pairs: readonly (readonly [number, number])[], single: number): Float64Array {
  const out = new Float64Array(H * H);
  for (let i = 0; i < H; i++) {
    for (let j = 0; j < H; j++) {
      let sum = H % 2 === 1 ? single * Q[i * H + H - 1] * Q[j * H + H - 1] : 0;
      for (const [p, [along, across]] of pairs.entries()) {
        const [i0, i1, j0, j1] = [Q[i * H + 2 * p], Q[i * H + 2 * p + 1], Q[j * H + 2 * p], Q[j * H + 2 * p + 1]];
        sum += along * (i0 * j0 + i1 * j1) + across * (i0 * j1 - i1 * j0);
      }
      out[i * H + j] = sum;
    }
  }
  return out;
}

const random = new Random(4);

function randomOrthogonal(H: number): Float64Array {
  const Q = new Float64Array(H * H);
  orthogonal(1)(Q, 0, H, random);
  return Q;
}

function distanceBetween(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] - y[i]) ** 2;
  return Math.sqrt(sum);
}

/** ‖WᵀW - I‖ in the Frobenius norm. */
function fromOrthogonal(W: ArrayLike<number>, H: number): number {
  let squares = 0;
  for (let i = 0; i < H; i++) {
    for (let j = 0; j < H; j++) {
      let product = i === j ? -1 : 0;
      for (let k = 0; k < H; k++) product += W[k * H + i] * W[k * H + j];
      squares += product ** 2;
    }
  }
  return Math.sqrt(squares);
}

function held(backend: Backend, values: ArrayLike<number>): Reals {
  const array = backend.allocate(values.length);
  array.set(values);
  return array;
}

for (const map of Object.values(orthogonalMaps)) {
  for (const [name, backend] of backends) {
    const rounding = backend.precision === 'float64' ? 2 ** -53 : 2 ** -24;

    describe(`orthogonal by ${map.name}, ${name}`, () => {
      for (const H of [1, 2, 3, 8, 33]) {
        test(`H = ${H}: turns each plane of A by its own angle, for angles from 1e-4 to 30, and stays orthogonal to rounding`, () => {
          for (const size of [1e-4, 0.02, 0.3, 1, 3, 30]) {
            const mark = backend.mark();
            const squares = new Squares(backend, H);
            const Q = randomOrthogonal(H);
            const W = randomOrthogonal(H);
            const turns = Array.from({ length: H >> 1 }, (_, p) => (p === 0 ? size : size * (2 * random.uniform() - 1)));
            const A = ofPlanes(
              Q,
              H,
              turns.map((angle) => [0, angle]),
              0,
            );
            const turned = ofPlanes(
              Q,
              H,
              turns.map(angles[map.name]).map((angle) => [Math.cos(angle), Math.sin(angle)]),
              1,
            );
            const expected = new Float64Array(H * H);
            for (let i = 0; i < H; i++) {
              for (let j = 0; j < H; j++) for (let k = 0; k < H; k++) expected[i * H + j] += W[i * H + k] * turned[k * H + j];
            }
            const to = backend.allocate(H * H);
            map.move(squares, held(backend, W), held(backend, A), size, to);
            // Angles of many radians carry the rounding of A with them, and squarings double it.
            assert.ok(distanceBetween(to, expected) <= 40 * H * rounding * Math.max(1, size), `${size}: ${distanceBetween(to, expected)}`);
            assert.ok(fromOrthogonal(to, H) <= 8 * H * rounding, `${size}: ${fromOrthogonal(to, H)}`);
            backend.release(mark);
          }
        });
      }

      test('a bound that is far too large costs time only', () => {
        const mark = backend.mark();
        const H = 6;
        const A = ofPlanes(
          randomOrthogonal(H),
          H,
          [0.1, 0.2, 0.3].map((angle) => [0, angle]),
          0,
        );
        const results = [0.3, 30].map((bound) => {
          const to = backend.allocate(H * H);
          map.move(new Squares(backend, H), held(backend, randomOrthogonal(H).fill(0)), held(backend, A), bound, to);
          const W = Float64Array.from({ length: H * H }, (_, i) => (i % (H + 1) === 0 ? 1 : 0));
          map.move(new Squares(backend, H), held(backend, W), held(backend, A), bound, to);
          return to;
        });
        assert.ok(distanceBetween(results[0], results[1]) <= 100 * rounding);
        backend.release(mark);
      });
    });
  }
}

describe('the nearest orthogonal matrix', () => {
  test('of diag(3, 0.001, -20) turned: its signs, turned', () => {
    const backend = scalarBackend();
    const squares = new Squares(backend, 3);
    const Q = randomOrthogonal(3);
    const product = (diagonal: readonly number[]) =>
      Float64Array.from({ length: 9 }, (_, at) =>
        diagonal.reduce((sum, value, k) => sum + value * Q[Math.floor(at / 3) * 3 + k] * Q[(at % 3) * 3 + k], 0),
      );
    const Y = product([3, 0.001, -20]);
    squares.orthonormalize(Y);
    assert.ok(distanceBetween(Y, product([1, 1, -1])) < 1e-12);
  });

  test('what is not finite ends, and stays not finite', () => {
    const squares = new Squares(scalarBackend(), 2);
    const Y = Float64Array.from([1, Number.NaN, 0, 1]);
    squares.orthonormalize(Y);
    assert.ok(Number.isNaN(Y[1]));
  });
});

/** A network of two layers whose recurrent blocks stay orthogonal. */
function kept(backend: Backend, model: Partial<ModelOptions> = {}): Network {
  const options: ModelOptions = { cell: 'lstm', hiddenSize: 6, layers: 2, orthogonal: true, ...model };
  const network = new Network(backend, options, { kind: 'vectors', size: 2 }, 1);
  initialize(network, options, 5);
  return network;
}

/** A gradient like those of minibatches, of a norm of about 1. */
function drawGradient({ parameters }: Network): number {
  let squares = 0;
  for (let i = 0; i < parameters.length; i++) {
    parameters.gradient[i] = random.normal() / Math.sqrt(parameters.length);
    squares += parameters.gradient[i] ** 2;
  }
  return Math.sqrt(squares);
}

const largestDistance = (network: Network) => Math.max(...Object.values(orthogonality(network)).flat());

describe('updates of a network whose recurrent blocks stay orthogonal', () => {
  for (const [name, backend] of backends) {
    for (const map of Object.keys(orthogonalMaps) as (keyof typeof orthogonalMaps)[]) {
      test(`${name}, ${map}: ‖WᵀW - I‖ is at rounding after each of 200 updates of every optimizer`, () => {
        const mark = backend.mark();
        for (const optimizer of Object.keys(optimizers) as (keyof typeof optimizers)[]) {
          const network = kept(backend, { orthogonal: { by: map, learningRate: 0.01 } });
          const before = network.parameters.values.slice();
          const updater = new Updater(network.parameters, backend, { ...trainingDefaults, optimizer });
          for (let step = 1; step <= 200; step++) {
            assert.equal(updater.apply(0.01, drawGradient(network), step), null);
            const bound = backend.precision === 'float64' ? 1e-14 : 3e-6;
            assert.ok(largestDistance(network) <= bound, `${optimizer} ${step}: ${largestDistance(network)}`);
          }
          assert.ok(distanceBetween(network.parameters.values, before) > 1e-3);
        }
        backend.release(mark);
      });
    }
  }

  test('5000 updates in float32 leave ‖WᵀW - I‖ where it was after the first', () => {
    const [, backend] = wasmBackends[0];
    const network = kept(backend, { cell: 'rnn', hiddenSize: 16, layers: 1 });
    const updater = new Updater(network.parameters, backend, { ...trainingDefaults, optimizer: 'rmsprop' });
    for (let step = 1; step <= 5000; step++) updater.apply(0.01, drawGradient(network), step);
    assert.ok(largestDistance(network) < 3e-6);
  });

  test('everything else moves as it does without, and the blocks at a rate of their own', () => {
    // sgd moves A by rate * (WᵀG - GᵀW): to first order W by rate * W (WᵀG - GᵀW).
    const backend = scalarBackend();
    const options = { cell: 'rnn', hiddenSize: 4, layers: 1, recurrentInit: 'orthogonal' } as const;
    const [free, bound] = [
      { ...options, orthogonal: false },
      { ...options, orthogonal: { learningRate: 1e-6 } },
    ].map((each) => kept(backend, each));
    assert.deepEqual(bound.parameters.values, free.parameters.values);
    const before = free.parameters.values.slice();
    drawGradient(free);
    bound.parameters.gradient.set(free.parameters.gradient);
    const G = free.parameters.gradientOf('weight_hh_l0').slice();
    for (const network of [free, bound]) {
      new Updater(network.parameters, backend, { ...trainingDefaults, optimizer: 'sgd', learningRate: 0.1 }).apply(0.1, 1, 1);
    }
    for (const { name, at, length } of free.parameters.list) {
      if (name === 'weight_hh_l0') continue;
      assert.deepEqual(bound.parameters.valuesOf(name), free.parameters.values.subarray(at, at + length), name);
    }
    const { at } = free.parameters.get('weight_hh_l0');
    const W = before.subarray(at, at + 16);
    const moved = bound.parameters.valuesOf('weight_hh_l0');
    const product = (x: ArrayLike<number>, y: ArrayLike<number>, transposed: boolean) =>
      Float64Array.from({ length: 16 }, (_, e) => {
        let sum = 0;
        for (let k = 0; k < 4; k++) sum += (transposed ? x[k * 4 + Math.floor(e / 4)] : x[Math.floor(e / 4) * 4 + k]) * y[k * 4 + (e % 4)];
        return sum;
      });
    const slope = product(W, G, true);
    const skew = slope.map((value, e) => value - slope[(e % 4) * 4 + Math.floor(e / 4)]);
    const expected = product(W, skew, false);
    // The second order is 1e-12.
    for (let e = 0; e < 16; e++) assert.ok(Math.abs(moved[e] - W[e] + 1e-6 * expected[e]) < 1e-11, `${e}`);
  });

  test('a step beyond all sense is refused, and nothing has moved', () => {
    for (const [, backend] of backends) {
      const network = kept(backend);
      const updater = new Updater(network.parameters, backend, { ...trainingDefaults, optimizer: 'sgd' });
      const before = network.parameters.values.slice();
      network.parameters.gradient.fill(1e20);
      network.parameters.gradient[network.parameters.get('weight_hh_l1').at + 1] = -1e20;
      assert.match(updater.apply(1, 1e21, 1) ?? '', /^update of weight_hh_l\d$/);
      assert.deepEqual(network.parameters.values, before);
    }
  });

  test('a gradient of 0 moves nothing', () => {
    for (const [, backend] of backends) {
      const network = kept(backend);
      const before = network.parameters.values.slice();
      network.parameters.gradient.fill(0);
      new Updater(network.parameters, backend, trainingDefaults).apply(0.1, 0, 1);
      assert.deepEqual(network.parameters.values, before);
    }
  });

  test('weight decay does not touch them', () => {
    const network = kept(scalarBackend());
    const before = network.parameters.valuesOf('weight_hh_l0').slice();
    network.parameters.gradient.fill(0);
    const training = { ...trainingDefaults, optimizer: 'adamw', weightDecay: 1 } as const;
    new Updater(network.parameters, scalarBackend(), training).apply(0.1, 0, 1);
    assert.deepEqual(network.parameters.valuesOf('weight_hh_l0'), before);
  });
});
