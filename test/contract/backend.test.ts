/**
 * The contract of src/compute/backend.ts on every backend, each operation beside a naive float64 reference. u is the
 * relative error of one rounding: 2^-24 in float32, 2^-53 in float64. Every element of every output array is compared, those
 * outside the output region with what they held before.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Random } from '../../src/compute/random.ts';
import { backends, Expected, filled, forAll, mixed, offset, size, slack, unit } from './guarded.ts';

/** Shapes beyond one block of the kernels: K above 512 (products) and 256 (gradients), M or N above 512. */
const blocked = [
  { M: 97, K: 1030, N: 17 },
  { M: 301, K: 70, N: 40 },
  { M: 100, K: 300, N: 530 },
  { M: 530, K: 300, N: 5 },
  { M: 7, K: 513, N: 33 },
  { M: 600, K: 20, N: 20 },
  { M: 3, K: 20, N: 600 },
  { M: 2, K: 600, N: 70 },
  { M: 64, K: 64, N: 64 },
  { M: 85, K: 200, N: 200 },
];

for (const [name, backend] of backends) {
  // The reference itself rounds in float64.
  const u = unit(backend) + 2 ** -53;

  describe(name, () => {
    test('multiply and multiplyBias: |error| <= (K + 2) u (|initial| + sum |a||b|)', () => {
      const sample = fc.record({ M: size, K: size, N: size, aSlack: slack, cSlack: slack, aAt: offset, cAt: offset, start: fc.nat(2) });
      const body = (
        s: { M: number; K: number; N: number; aSlack: number; cSlack: number; aAt: number; cAt: number; start: number },
        random: Random,
      ) => {
        const { M, K, N, aAt, cAt } = s;
        const draw = () => mixed(random);
        const aStride = K + s.aSlack;
        const cStride = N + s.cSlack;
        const a = filled(backend, aAt + M * aStride, draw);
        const b = filled(backend, 2 + K * N, draw);
        const bias = filled(backend, 1 + N, draw);
        const c = filled(backend, cAt + M * cStride + 3, draw);
        const packed = backend.allocatePacked(K, N, 64);
        backend.pack(b, 2, N, 1, packed);
        const expected = new Expected(c);
        for (let m = 0; m < M; m++) {
          for (let n = 0; n < N; n++) {
            const at = cAt + m * cStride + n;
            let sum = s.start === 0 ? 0 : s.start === 1 ? c[at] : bias[1 + n];
            let magnitude = Math.abs(sum);
            for (let k = 0; k < K; k++) {
              const term = a[aAt + m * aStride + k] * b[2 + k * N + n];
              sum += term;
              magnitude += Math.abs(term);
            }
            expected.set(at, sum, (K + 2) * u * magnitude);
          }
        }
        if (s.start === 2) backend.multiplyBias(a, aAt, aStride, M, packed, bias, 1, c, cAt, cStride);
        else backend.multiply(a, aAt, aStride, M, packed, c, cAt, cStride, s.start === 1);
        expected.verify();
      };
      forAll(backend, sample, body, 400);
      for (const shape of blocked) {
        for (const start of [0, 1, 2]) {
          const mark = backend.mark();
          body({ ...shape, aSlack: 3, cSlack: 5, aAt: 1, cAt: 3, start }, new Random(start));
          backend.release(mark);
        }
      }
    });

    // A library's product need keep that only for whole blocks of 16 rows, at which threads share them out.
    const block = backend.name === 'blas' ? 16 : 1;
    test(`multiply: ${block === 1 ? 'a row has' : '16 rows have'} the same bits alone and among others`, () => {
      forAll(backend, fc.record({ M: block === 1 ? size : fc.constantFrom(16, 31, 48, 100), K: size, N: size }), ({ M, K, N }, random) => {
        const draw = () => mixed(random);
        const a = filled(backend, M * K, draw);
        const packed = backend.allocatePacked(K, N, 64);
        backend.pack(filled(backend, K * N, draw), 0, N, 1, packed);
        const together = backend.allocate(M * N);
        const alone = backend.allocate(M * N);
        backend.multiply(a, 0, K, M, packed, together, 0, N, false);
        for (let m = 0; m < M; m += block) backend.multiply(a, m * K, K, Math.min(block, M - m), packed, alone, m * N, N, false);
        assert.deepEqual(alone, together);
      });
    });

    test('pack: rows, columns and any strides give the same product, exactly', () => {
      const sample = fc.record({ K: size, N: size, at: offset, rowSlack: slack });
      forAll(backend, sample, ({ K, N, at, rowSlack }, random) => {
        const matrix = Array.from({ length: K * N }, () => Math.fround(mixed(random)));
        const identity = backend.allocate(K * K);
        for (let k = 0; k < K; k++) identity[k * K + k] = 1;
        const layouts = [
          [N + rowSlack, 1],
          [1, K + rowSlack],
          [2, 2 * K + rowSlack],
        ];
        for (const [strideK, strideN] of layouts) {
          const source = backend.allocate(at + K * strideK + N * strideN);
          for (let k = 0; k < K; k++) for (let n = 0; n < N; n++) source[at + k * strideK + n * strideN] = matrix[k * N + n];
          const packed = backend.allocatePacked(K, N, 64);
          packed.data.fill(Number.NaN);
          backend.pack(source, at, strideK, strideN, packed);
          const product = backend.allocate(K * N);
          backend.multiply(identity, 0, K, K, packed, product, 0, N, false);
          assert.deepEqual(
            Array.from(product, (x) => x + 0),
            matrix.map((x) => x + 0),
          );
        }
      });
    });

    test('multiplyTransposed: |error| <= (K + 3) u (|initial| + sum |a||b|)', () => {
      const sample = fc.record({ M: size, K: size, N: size, aSlack: slack, bSlack: slack, cSlack: slack, at: offset });
      const body = (s: { M: number; K: number; N: number; aSlack: number; bSlack: number; cSlack: number; at: number }, random: Random) => {
        const { M, K, N, at } = s;
        const draw = () => mixed(random);
        const aStride = M + s.aSlack;
        const bStride = N + s.bSlack;
        const cStride = N + s.cSlack;
        const a = filled(backend, at + K * aStride, draw);
        const b = filled(backend, 1 + K * bStride, draw);
        const c = filled(backend, 3 + M * cStride + 3, draw);
        const expected = new Expected(c);
        for (let m = 0; m < M; m++) {
          for (let n = 0; n < N; n++) {
            let sum = c[3 + m * cStride + n];
            let magnitude = Math.abs(sum);
            for (let k = 0; k < K; k++) {
              const term = a[at + k * aStride + m] * b[1 + k * bStride + n];
              sum += term;
              magnitude += Math.abs(term);
            }
            expected.set(3 + m * cStride + n, sum, (K + 3) * u * magnitude);
          }
        }
        backend.multiplyTransposed(a, at, aStride, b, 1, bStride, M, N, K, c, 3, cStride);
        expected.verify();
      };
      forAll(backend, sample, body, 300);
      for (const shape of blocked) {
        const mark = backend.mark();
        body({ ...shape, aSlack: 3, bSlack: 0, cSlack: 5, at: 1 }, new Random(7));
        backend.release(mark);
      }
    });

    test('addColumnSums: |error| <= (rows + 1) u (|out| + sum |x|)', () => {
      forAll(backend, fc.record({ rows: size, columns: size, extra: slack, at: offset }), ({ rows, columns, extra, at }, random) => {
        const draw = () => mixed(random);
        const stride = columns + extra;
        const x = filled(backend, at + rows * stride, draw);
        const out = filled(backend, 1 + columns + 3, draw);
        const expected = new Expected(out);
        for (let n = 0; n < columns; n++) {
          let sum = out[1 + n];
          let magnitude = Math.abs(sum);
          for (let r = 0; r < rows; r++) {
            sum += x[at + r * stride + n];
            magnitude += Math.abs(x[at + r * stride + n]);
          }
          expected.set(1 + n, sum, (rows + 1) * u * magnitude);
        }
        backend.addColumnSums(x, at, stride, rows, columns, out, 1);
        expected.verify();
      });
    });

    test('fillRows, gatherRows and transpose copy exactly', () => {
      forAll(backend, fc.record({ rows: size, columns: size, at: offset }), ({ rows, columns, at }, random) => {
        const draw = () => mixed(random);
        const x = filled(backend, at + rows * columns + columns, draw);
        const out = () => filled(backend, 3 + rows * columns + 3, draw);

        const repeated = out();
        const expectedRepeated = new Expected(repeated);
        for (let i = 0; i < rows * columns; i++) expectedRepeated.set(3 + i, x[at + (i % columns)]);
        backend.fillRows(x, at, repeated, 3, rows, columns);
        expectedRepeated.verify('fillRows');

        const indices = backend.allocateIndices(2 + rows);
        for (let r = 0; r < rows; r++) indices[2 + r] = random.below(rows);
        const gathered = out();
        const expectedGathered = new Expected(gathered);
        for (let i = 0; i < rows * columns; i++) {
          expectedGathered.set(3 + i, x[at + indices[2 + Math.floor(i / columns)] * columns + (i % columns)]);
        }
        backend.gatherRows(x, at, indices, 2, rows, columns, gathered, 3);
        expectedGathered.verify('gatherRows');

        const turned = out();
        const expectedTurned = new Expected(turned);
        for (let r = 0; r < rows; r++) for (let n = 0; n < columns; n++) expectedTurned.set(3 + n * rows + r, x[at + r * columns + n]);
        backend.transpose(x, at, rows, columns, turned, 3);
        expectedTurned.verify('transpose');
      });
    });

    test('scatterAddRows: |error| <= (rows + 1) u (|table| + sum |x|), repeated indices included', () => {
      forAll(backend, fc.record({ rows: size, columns: size, at: offset, entries: fc.integer({ min: 1, max: 4 }) }), (s, random) => {
        const { rows, columns, at, entries } = s;
        const draw = () => mixed(random);
        const x = filled(backend, at + rows * columns, draw);
        const table = filled(backend, 1 + entries * columns + 3, draw);
        const indices = backend.allocateIndices(1 + rows);
        const expected = new Expected(table);
        const magnitudes = expected.values.map(Math.abs);
        for (let r = 0; r < rows; r++) {
          indices[1 + r] = random.below(entries);
          for (let n = 0; n < columns; n++) {
            const to = 1 + indices[1 + r] * columns + n;
            expected.values[to] += x[at + r * columns + n];
            magnitudes[to] += Math.abs(x[at + r * columns + n]);
            expected.bounds[to] = (rows + 1) * u * magnitudes[to];
          }
        }
        backend.scatterAddRows(x, at, indices, 1, rows, columns, table, 1);
        expected.verify();
      });
    });

    test('add and scale: |error| <= u |result|', () => {
      forAll(backend, fc.record({ length: size, xAt: offset, yAt: offset }), ({ length, xAt, yAt }, random) => {
        const draw = () => mixed(random);
        const x = filled(backend, xAt + length, draw);
        const y = filled(backend, yAt + length + 3, draw);
        const sums = new Expected(y);
        for (let i = 0; i < length; i++) sums.set(yAt + i, x[xAt + i] + y[yAt + i], u * Math.abs(x[xAt + i] + y[yAt + i]));
        backend.add(x, xAt, y, yAt, length);
        sums.verify('add');

        const factor = Math.fround(mixed(random));
        const scaled = new Expected(y);
        for (let i = 0; i < length; i++) scaled.set(yAt + i, y[yAt + i] * factor, u * Math.abs(y[yAt + i] * factor));
        backend.scale(y, yAt, length, factor);
        scaled.verify('scale');
      });
    });

    test('clampValues: exact, counts what it changed; infinities are limited, NaN stays', () => {
      forAll(backend, fc.record({ length: size, at: offset }), ({ length, at }, random) => {
        const x = filled(backend, at + length + 3, () => odd(random));
        const limit = Math.fround(Math.abs(random.normal()));
        const expected = new Expected(x);
        let changed = 0;
        for (let i = at; i < at + length; i++) {
          if (x[i] > limit || x[i] < -limit) {
            expected.set(i, x[i] > 0 ? limit : -limit);
            changed++;
          }
        }
        assert.equal(backend.clampValues(x, at, length, limit), changed);
        expected.verify();
      });
    });

    test('sumSquares: |relative error| <= 2 (length + 1) 2^-53, the reference included, far beyond the range of float32', () => {
      forAll(backend, fc.record({ length: size, at: offset }), ({ length, at }, random) => {
        const scale = 2 ** (random.below(240) - 120);
        const x = filled(backend, at + length + 3, () => mixed(random) * scale);
        let sum = 0;
        for (let i = at; i < at + length; i++) sum += x[i] ** 2;
        const actual = backend.sumSquares(x, at, length);
        assert.ok(Math.abs(actual - sum) <= 2 * (length + 1) * 2 ** -53 * sum, `${actual} is not ${sum}`);
      });
    });

    test('firstNonFinite: the first NaN or infinity, -1 if there is none', () => {
      forAll(backend, fc.record({ length: size, at: offset, bad: fc.nat(40) }), ({ length, at, bad }, random) => {
        const x = filled(backend, at + length + 3, () => mixed(random) * 1e30);
        x[at + length] = Number.NaN;
        assert.equal(backend.firstNonFinite(x, at, length), -1);
        if (bad >= length) return;
        for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
          x[at + bad] = value;
          x[at + length - 1] = Number.NaN;
          assert.equal(backend.firstNonFinite(x, at, length), bad);
        }
      });
    });

    test('maximizeRows: exact; infinities count, NaN is passed over', () => {
      forAll(backend, fc.record({ rows: size, columns: size, at: offset }), ({ rows, columns, at }, random) => {
        const x = filled(backend, at + rows * columns, () => odd(random));
        const out = filled(backend, 1 + rows + 3, () => Math.abs(mixed(random)));
        const expected = new Expected(out);
        for (let r = 0; r < rows; r++) {
          let most = out[1 + r];
          for (let n = 0; n < columns; n++) {
            const magnitude = Math.abs(x[at + r * columns + n]);
            if (!Number.isNaN(magnitude)) most = Math.max(most, magnitude);
          }
          expected.set(1 + r, most);
        }
        backend.maximizeRows(x, at, rows, columns, out, 1);
        expected.verify();
      });
    });

    test('scaleRows: |error| <= u |result|; factor 1 touches nothing, float32 results below 2^-100 are 0, NaN stays', () => {
      forAll(backend, fc.record({ rows: size, columns: size, at: offset }), ({ rows, columns, at }, random) => {
        const x = filled(backend, at + rows * columns + 3, () =>
          random.below(20) === 0 ? Number.NaN : mixed(random) * 2 ** (random.below(120) - 100),
        );
        const factors = filled(backend, 1 + rows, () => (random.below(3) === 0 ? 1 : 2 ** (random.below(60) - 40)));
        const expected = new Expected(x);
        for (let r = 0; r < rows; r++) {
          const factor = factors[1 + r];
          if (factor === 1) continue;
          for (let n = 0; n < columns; n++) {
            const i = at + r * columns + n;
            const result = x[i] * factor;
            const tiny = backend.precision === 'float32' && Math.abs(result) < 2 ** -100;
            expected.set(i, tiny ? 0 : result, tiny ? 0 : u * Math.abs(result));
          }
        }
        backend.scaleRows(x, at, rows, columns, factors, 1);
        expected.verify();
      });
    });

    test('allocate gives zeros, also where memory was given back', () => {
      const mark = backend.mark();
      backend.allocate(1000).fill(1);
      backend.release(mark);
      assert.ok(backend.allocate(1500).every((x) => x === 0));
      assert.ok(backend.allocateIndices(10).every((x) => x === 0));
      backend.release(mark);
      assert.equal(backend.mark(), mark);
    });
  });
}

/** A number, or in one case of eight something that is not finite. */
function odd(random: Random): number {
  if (random.below(8) > 0) return mixed(random);
  return [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][random.below(3)];
}
