/** Every initialisation of the recurrent matrix, and what `initialize` makes of the other parameters. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../src/compute/random.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import type { Cell } from '../../src/network/cell/cell.ts';
import { cells } from '../../src/network/cell/cells.ts';
import { lstm } from '../../src/network/cell/lstm.ts';
import type { RecurrentInit } from '../../src/network/init/init.ts';
import { recurrentInit } from '../../src/network/init/inits.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { wasmBackends } from './guarded.ts';

const backend = scalarBackend();

function matrix(choice: RecurrentInit, H: number, seed = 1): Float64Array {
  const values = new Float64Array(H * H);
  recurrentInit(choice)(values, 0, H, new Random(seed));
  return values;
}

/** Largest element of |WᵀW - gain² I|, and of |WWᵀ - gain² I|. */
function deviation(W: ArrayLike<number>, H: number, gain = 1, at = 0): number {
  let largest = 0;
  for (let i = 0; i < H; i++) {
    for (let j = 0; j < H; j++) {
      let columns = 0;
      let rows = 0;
      for (let k = 0; k < H; k++) {
        columns += W[at + k * H + i] * W[at + k * H + j];
        rows += W[at + i * H + k] * W[at + j * H + k];
      }
      const wanted = i === j ? gain * gain : 0;
      largest = Math.max(largest, Math.abs(columns - wanted), Math.abs(rows - wanted));
    }
  }
  return largest;
}

/** A network of a cell with its parameters drawn. */
function drawn(cell: Cell, options: Partial<ModelOptions> = {}, seed = 3, longest?: number): Network {
  const model = { cell, hiddenSize: 16, layers: 2, ...options };
  const network = new Network(backend, model, { kind: 'vectors', size: 5 }, 3);
  initialize(network, model, seed, longest);
  return network;
}

/** Mean and standard deviation. */
function moments(values: ArrayLike<number>): { mean: number; deviation: number } {
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const difference = values[i] - mean;
    mean += difference / (i + 1);
    squares += difference * (values[i] - mean);
  }
  return { mean, deviation: Math.sqrt(squares / values.length) };
}

const choices: readonly (readonly [string, RecurrentInit])[] = [
  ['default', 'default'],
  ['orthogonal', 'orthogonal'],
  ['identity', 'identity'],
  ['glorot', 'glorot'],
  ['henaff', 'henaff'],
  ['cayley', 'cayley'],
  ['gaussian 1.5', { gaussian: 1.5 }],
  ['orthogonal 0.8', { orthogonal: 0.8 }],
];

for (const [name, choice] of choices) {
  describe(`init ${name}`, () => {
    test('fills its own block and no more, the same for the same seed', () => {
      const H = 5;
      const values = new Float64Array(H * H + 4).fill(99);
      recurrentInit(choice)(values, 2, H, new Random(7));
      assert.deepEqual([...values.subarray(0, 2), ...values.subarray(2 + H * H)], [99, 99, 99, 99]);
      assert.deepEqual(values.subarray(2, 2 + H * H), matrix(choice, H, 7));
      assert.ok(values.subarray(2, 2 + H * H).every((each) => Math.abs(each) < 10));
    });

    test('of one unit', () => assert.ok(Number.isFinite(matrix(choice, 1)[0])));
  });
}

describe('init of the recurrent matrix', () => {
  test('orthogonal: WᵀW = WWᵀ = I to 1e-12 for any size', () => {
    for (const H of [1, 2, 3, 8, 33, 64, 100]) assert.ok(deviation(matrix('orthogonal', H), H) <= 1e-12);
  });

  test('orthogonal with a gain: WᵀW = gain² I', () => {
    for (const gain of [0.5, 2]) assert.ok(deviation(matrix({ orthogonal: gain }, 20), 20, gain) <= 1e-12);
  });

  test('orthogonal is uniform over rotations and reflections: elements of mean 0 and deviation 1/sqrt(H), both determinants', () => {
    // 400 matrices of H = 4: 6400 elements, whose mean has the deviation 0.5 / 80 = 0.006.
    const H = 4;
    const elements: number[] = [];
    for (let seed = 0; seed < 400; seed++) elements.push(...matrix('orthogonal', H, seed));
    const found = moments(elements);
    assert.ok(Math.abs(found.mean) < 0.025);
    assert.ok(Math.abs(found.deviation - 0.5) < 0.01);
    // For H = 1 the matrix is a sign, and both come up.
    const signs = new Set(Array.from({ length: 40 }, (_, seed) => matrix('orthogonal', 1, seed)[0]));
    assert.deepEqual([...signs].sort(), [-1, 1]);
  });

  test('gaussian: deviation gain / sqrt(H)', () => {
    // 100 * 100 elements: the deviation of the sample's deviation is 1 / sqrt(2 * 10000) = 0.7 %.
    for (const gain of [1, 1.5]) {
      const found = moments(matrix({ gaussian: gain }, 100));
      assert.ok(Math.abs(found.deviation - gain / 10) < 0.03 * (gain / 10));
      assert.ok(Math.abs(found.mean) < (4 * gain) / 10 / 100);
    }
  });

  test('identity: 1 on the diagonal, 0 elsewhere', () => assert.deepEqual([...matrix('identity', 3)], [1, 0, 0, 0, 1, 0, 0, 0, 1]));

  test('default: within ±1/sqrt(H), and out to its ends', () => {
    // 64 * 64 uniform numbers in ±1/8: deviation 1/8/sqrt(3) = 0.0722.
    const values = matrix('default', 64);
    assert.ok(values.every((each) => Math.abs(each) <= 1 / 8));
    assert.ok(Math.max(...values) > 0.124 && Math.min(...values) < -0.124);
    assert.ok(Math.abs(moments(values).deviation - 0.0722) < 0.002);
  });
});

describe('initialize', () => {
  for (const cell of cells) {
    if (cell.recurrentMatrix !== false)
      test(`${cell.name}: each gate block of each layer's recurrent matrix by itself`, () => {
        const { parameters, H, L } = drawn(cell, { recurrentInit: 'orthogonal' });
        for (let layer = 0; layer < L; layer++) {
          const W = parameters.valuesOf(`weight_hh_l${layer}`);
          for (let gate = 0; gate < cell.gates; gate++) assert.ok(deviation(W, H, 1, gate * H * H) <= 1e-12);
          for (let gate = 1; gate < cell.gates; gate++) assert.notEqual(W[0], W[gate * H * H]);
        }
      });

    test(`${cell.name}: everything else within ±1/sqrt(H)`, () => {
      const { parameters } = drawn(cell, cell.forgetGate === undefined ? {} : { forgetBias: 0 });
      for (const { name } of parameters.list) {
        if (cell.units?.names.some((each) => name.startsWith(each))) continue;
        const values = parameters.valuesOf(name);
        assert.ok(
          values.every((each) => Math.abs(each) <= 1 / 4),
          name,
        );
        assert.ok(
          values.some((each) => each !== 0),
          name,
        );
      }
    });

    test(`${cell.name}: the same seed gives the same numbers, in float32 their rounding`, () => {
      const values = drawn(cell).parameters.values;
      assert.deepEqual(drawn(cell).parameters.values, values);
      assert.notDeepEqual(drawn(cell, {}, 4).parameters.values, values);
      for (const [, wasm] of wasmBackends) {
        const model = { cell, hiddenSize: 16, layers: 2 };
        const network = new Network(wasm, model, { kind: 'vectors', size: 5 }, 3);
        initialize(network, model, 3);
        assert.deepEqual([...network.parameters.values], [...values].map(Math.fround));
      }
    });
  }

  const H = 16;
  /** The blocks of i, f, g, o of a bias. */
  const blocks = (network: Network, name: string) => {
    const values = network.parameters.valuesOf(name);
    return [0, 1, 2, 3].map((gate) => [...values.subarray(gate * H, (gate + 1) * H)]);
  };

  test('forgetBias b: the forget block of bias_ih is b and of bias_hh 0, in every layer; 1 by default', () => {
    for (const [options, b] of [
      [{}, 1],
      [{ forgetBias: 2.5 }, 2.5],
      [{ forgetBias: 0 }, 0],
    ] as const) {
      const network = drawn(lstm, options);
      for (const layer of [0, 1]) {
        const [i, f, g, o] = blocks(network, `bias_ih_l${layer}`);
        assert.deepEqual(f, new Array(H).fill(b));
        assert.deepEqual(blocks(network, `bias_hh_l${layer}`)[1], new Array(H).fill(0));
        for (const other of [i, g, o]) assert.ok(other.some((each) => each !== other[0]));
      }
    }
  });

  test('forgetBias chrono: b_f = log u with u from 1 to Tmax - 1, b_i = -b_f, and 0 in bias_hh', () => {
    const longest = 400;
    const network = drawn(lstm, { forgetBias: 'chrono' }, 3, longest);
    const all: number[] = [];
    for (const layer of [0, 1]) {
      const [i, f] = blocks(network, `bias_ih_l${layer}`);
      const [iRecurrent, fRecurrent] = blocks(network, `bias_hh_l${layer}`);
      assert.deepEqual(
        i,
        f.map((each) => -each),
      );
      assert.ok(f.every((each) => each >= 0 && each <= Math.log(longest - 1)));
      assert.deepEqual([...iRecurrent, ...fRecurrent], new Array(2 * H).fill(0));
      all.push(...f.map(Math.exp));
    }
    // 32 numbers uniform from 1 to 399: mean 200, deviation of that mean 115 / sqrt(32) = 20.
    assert.ok(Math.abs(moments(all).mean - 200) < 80);
  });

  test('forgetBias chrono is refused without a length, and for a cell whose forget gate has no input gate before it', () => {
    for (const longest of [undefined, 2]) {
      assert.throws(() => drawn(lstm, { forgetBias: 'chrono' }, 3, longest), { code: 'OPTION_INVALID', message: /chrono/ });
    }
    const forgetFirst: Cell = { ...lstm, name: 'forget-first', forgetGate: 0 };
    assert.throws(() => drawn(forgetFirst, { forgetBias: 'chrono' }, 3, 100), { code: 'OPTION_INVALID', message: /input gate/ });
  });

  test('cells without a forget gate have none to set', () => {
    for (const cell of cells.filter(({ forgetGate }) => forgetGate === undefined)) {
      const values = drawn(cell).parameters.valuesOf('bias_ih_l0');
      assert.ok(values.every((each) => Math.abs(each) <= 1 / 4 && each !== 0));
    }
  });
});
