/** Independent ways to the same gradient agree, for networks and batches of any shape. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend } from '../../src/compute/backend.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import type { Batch } from '../../src/network/batch.ts';
import { gradcheck } from '../../src/network/gradcheck.ts';
import { losses } from '../../src/network/loss/losses.ts';
import type { Network } from '../../src/network/network.ts';
import { truncatedWindow } from '../../src/network/unroll/truncated.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { batchOf, distance, masksOf, networkOf, type Sample, samples, windowOf } from './sample.ts';

const scalar = scalarBackend();

interface Pass {
  loss: number;
  gradient: Float64Array;
  input: Float64Array;
}

/** Loss, parameter gradient and input gradient of one pass of full BPTT. */
function pass(backend: Backend, network: Network, batch: Batch, sample: Sample): Pass {
  const unrolled = new Unrolled(network, batch.T, batch.B);
  const inputGradient = batch.input.kind === 'vectors' ? backend.allocate(batch.T * batch.B * batch.input.size) : undefined;
  unrolled.forward(batch, { dropout: masksOf(sample) });
  const loss = unrolled.backward(losses[sample.loss], { inputGradient });
  return { loss, gradient: Float64Array.from(network.parameters.gradient), input: Float64Array.from(inputGradient ?? []) };
}

describe('scalar: full BPTT', () => {
  test('agrees with central differences to 1e-6 relative, number by number', () => {
    fc.assert(
      fc.property(samples, (sample) => {
        const report = gradcheck(networkOf(scalar, sample), batchOf(scalar, sample), losses[sample.loss], {
          sample: 6,
          seed: sample.seed,
          dropoutSeed: sample.dropout > 0 ? sample.seed : undefined,
        });
        assert.ok(report.ok, JSON.stringify(report.arrays.filter(({ ok }) => !ok)));
      }),
      { numRuns: 300 },
    );
  });

  test('is the sum of what truncated BPTT with k2 = T gives, weighted by the counted targets, to 1e-12', () => {
    // With k2 = T every window begins at step 0, and each target is counted in exactly one window:
    // mean over all = sum over windows of (targets of the window / targets of all) * (mean over the window).
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 8 }), (sample, k1) => {
        const network = networkOf(scalar, sample);
        const batch = batchOf(scalar, sample);
        const full = pass(scalar, network, batch, sample);
        const sum: Pass = { loss: 0, gradient: new Float64Array(full.gradient.length), input: new Float64Array(full.input.length) };
        for (let index = 0; ; index++) {
          const bptt = { k1: Math.min(k1, sample.T), k2: sample.T };
          const window = truncatedWindow(index, sample.T, bptt);
          if (!window) break;
          assert.equal(window.begin, 0);
          const part = windowOf(scalar, batch, window.begin, window.end, window.countFrom);
          if (part.counted === 0) continue;
          const share = part.counted / batch.counted;
          const found = pass(scalar, network, part, sample);
          sum.loss += share * found.loss;
          found.gradient.forEach((each, i) => {
            sum.gradient[i] += share * each;
          });
          found.input.forEach((each, i) => {
            sum.input[i] += share * each;
          });
        }
        assert.ok(Math.abs(sum.loss - full.loss) <= 1e-12 * Math.abs(full.loss));
        assert.ok(distance(sum.gradient, full.gradient) <= 1e-12);
        assert.ok(distance(sum.input, full.input) <= 1e-12);
      }),
      { numRuns: 200 },
    );
  });

  test('of symbols is that of one-hot vectors, to 1e-13', () => {
    fc.assert(
      fc.property(samples, (drawn) => {
        const sample: Sample = { ...drawn, input: 'symbols' };
        const symbols = batchOf(scalar, sample);
        const oneHot = batchOf(scalar, { ...sample, input: 'vectors' });
        oneHot.vectors.fill(0);
        for (let row = 0; row < sample.T * sample.B; row++) {
          // Padding is 0 as a vector and symbol 0 as a symbol; no target reads it either way.
          if (Math.floor(row / sample.B) < symbols.lengths[row % sample.B]) oneHot.vectors[row * sample.I + symbols.symbols[row]] = 1;
        }
        oneHot.lengths.set(symbols.lengths);
        oneHot.counted = symbols.counted;
        oneHot.rows.set(symbols.rows);
        oneHot.classes.set(symbols.classes);
        oneHot.values.set(symbols.values);
        const expected = pass(scalar, networkOf(scalar, sample, 'vectors'), oneHot, sample);
        const found = pass(scalar, networkOf(scalar, sample), symbols, sample);
        assert.ok(Math.abs(found.loss - expected.loss) <= 1e-13 * (1 + Math.abs(expected.loss)));
        assert.ok(distance(found.gradient, expected.gradient) <= 1e-13);
      }),
      { numRuns: 100 },
    );
  });

  test('does not see a sequence of no steps', () => {
    fc.assert(
      fc.property(samples, (drawn) => {
        const sample: Sample = { ...drawn, reading: 'lengths', B: drawn.B + 1, dropout: 0 };
        const network = networkOf(scalar, sample);
        const batch = batchOf(scalar, sample);
        // The last column loses its steps; the others stay where they are.
        const last = sample.B - 1;
        batch.lengths[last] = 0;
        const kept = [...batch.rows.subarray(0, batch.counted).keys()].filter((r) => batch.rows[r] % sample.B !== last);
        for (const [to, from] of kept.entries()) {
          batch.rows[to] = batch.rows[from];
          if (batch.target.kind === 'classes') batch.classes[to] = batch.classes[from];
          else batch.values.copyWithin(to * sample.O, from * sample.O, (from + 1) * sample.O);
        }
        batch.counted = kept.length;
        const before = pass(scalar, network, batch, sample);
        for (let t = 0; t < sample.T; t++) {
          const row = t * sample.B + last;
          if (batch.input.kind === 'vectors') batch.vectors.fill(100, row * sample.I, (row + 1) * sample.I);
          else batch.symbols[row] = sample.I - 1;
        }
        const after = pass(scalar, network, batch, sample);
        assert.equal(after.loss, before.loss);
        assert.equal(distance(after.gradient, before.gradient), 0);
      }),
      { numRuns: 100 },
    );
  });
});

/**
 * Within 1e-4 of the norm. Where an output meets its target to a few digits, what is left of z - y is z's own rounding, of
 * about 1e-7: a difference of 1e-6 in norm is allowed beside.
 */
function near(what: string, found: Float64Array, expected: Float64Array): void {
  const norm = Math.hypot(...expected);
  const difference = Math.hypot(...found.map((each, i) => each - expected[i]));
  assert.ok(difference <= 1e-4 * norm + 1e-6, `${what}: ${difference} off a norm of ${norm}`);
}

for (const relaxed of [true, false]) {
  const backend = await wasmBackend({ relaxed });
  describe(`wasm, ${relaxed ? 'relaxed' : 'plain'} SIMD`, () => {
    test('loss, parameter gradient and input gradient are those of scalar to 1e-4 relative', () => {
      fc.assert(
        fc.property(samples, (sample) => {
          const mark = backend.mark();
          const expected = pass(scalar, networkOf(scalar, sample), batchOf(scalar, sample), sample);
          const found = pass(backend, networkOf(backend, sample), batchOf(backend, sample), sample);
          backend.release(mark);
          assert.ok(Math.abs(found.loss - expected.loss) <= 1e-5 * (Math.abs(expected.loss) + 1e-2), `loss ${found.loss}`);
          near('gradient', found.gradient, expected.gradient);
          near('input', found.input, expected.input);
        }),
        { numRuns: 300 },
      );
    });

    test('windows of truncated BPTT with a carried state give the gradients of scalar to 1e-4 relative', () => {
      const shapes = fc.record({ k1: fc.integer({ min: 1, max: 4 }), more: fc.integer({ min: 0, max: 4 }) });
      fc.assert(
        fc.property(samples, shapes, (drawn, { k1, more }) => {
          const sample = { ...drawn, dropout: 0 };
          const mark = backend.mark();
          const [expected, found] = [scalar, backend].map((each) => windows(each, sample, { k1, k2: k1 + more }));
          backend.release(mark);
          assert.equal(found.length, expected.length);
          for (const [index, gradient] of expected.entries()) {
            near(`window ${index}`, found[index], gradient);
          }
        }),
        { numRuns: 150 },
      );
    });
  });
}

/** The gradient of every window that has a counted target, the state carried from one to the next. */
function windows(backend: Backend, sample: Sample, bptt: { k1: number; k2: number }): Float64Array[] {
  const network = networkOf(backend, sample);
  const batch = batchOf(backend, sample);
  const unrolled = new Unrolled(network, Math.min(sample.T, bptt.k2), sample.B);
  const gradients: Float64Array[] = [];
  for (let index = 0; ; index++) {
    const window = truncatedWindow(index, sample.T, bptt);
    if (!window) return gradients;
    const part = windowOf(backend, batch, window.begin, window.end, window.countFrom);
    unrolled.forward(part);
    if (part.counted > 0) {
      unrolled.backward(losses[sample.loss]);
      gradients.push(Float64Array.from(network.parameters.gradient));
    }
    const next = truncatedWindow(index + 1, sample.T, bptt);
    if (next && next.begin > window.begin) unrolled.carry(next.begin - window.begin);
  }
}
