/** A training in bounded memory is the same training. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend } from '../compute/backend.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import type { Dataset } from '../data/dataset.ts';
import { makeTask } from '../data/task/tasks.ts';
import { textData } from '../data/text.ts';
import type { TargetShape } from '../network/batch.ts';
import type { ModelOptions } from '../network/model.ts';
import { initialize, Network } from '../network/network.ts';
import { Evaluator } from './evaluator.ts';
import { type TrainingOptions, trainingDefaults } from './options.ts';
import { Trainer } from './trainer.ts';
import { describeMemory, planTraining } from './trainingMemory.ts';

const wasm = await wasmBackend();
const model: ModelOptions = { cell: 'lstm', hiddenSize: 8, layers: 2, residual: true, dropout: 0.2 };

function networkOf(backend: Backend, { input, target }: { input: Dataset['input']; target: TargetShape }): Network {
  const network = new Network(backend, model, input, target.size);
  initialize(network, model, 1);
  return network;
}

/** Sequences of 30 to 90 steps, with a loss at the last. */
const sequences = makeTask({ kind: 'task', name: 'adding', length: [30, 90], trainSequences: 11, validationSequences: 5 });
const text = textData('There is a tide in the affairs of men, which taken at the flood leads on to fortune. '.repeat(12)).streams(3);

const options: TrainingOptions = { ...trainingDefaults, updates: 9, batchSize: 4, learningRate: 0.01 };

const trainings: readonly (readonly [string, Dataset, TrainingOptions])[] = [
  ['sequences of different lengths', sequences.train, options],
  ['windows that carry a state on', text.train, { ...options, batchSize: 3, bptt: { k1: 60, k2: 150 } }],
];

for (const [name, dataset, training] of trainings) {
  describe(name, () => {
    for (const [backendName, backend, tolerance] of [
      ['scalar', scalarBackend(), 1e-9],
      ['wasm', wasm, 1e-3],
    ] as const) {
      test(`${backendName}: losses and gradient norms of plain backpropagation, within ${tolerance}, whatever the limit`, () => {
        const plain = new Trainer(networkOf(backend, dataset), dataset, training);
        assert.equal(plain.plan.plan, 'plain');
        const expected = Array.from({ length: 9 }, () => plain.step());
        const { bytes } = planTraining(networkOf(backend, dataset), dataset, training);
        const names = new Set<string>();
        for (const share of [0.9, 0.5, 0.35]) {
          const limited = { ...training, memory: Math.floor(share * bytes) };
          const trainer = new Trainer(networkOf(backend, dataset), dataset, limited);
          names.add(trainer.plan.plan);
          for (const { loss, gradientNorm, update } of expected) {
            const record = trainer.step();
            assert.ok(Math.abs(record.loss - loss) <= tolerance * loss, `loss ${update}: ${record.loss}, ${loss}`);
            assert.ok(Math.abs(record.gradientNorm - gradientNorm) <= tolerance * gradientNorm, `norm ${update}`);
          }
          assert.deepEqual(trainer.cursor, plain.cursor);
        }
        assert.ok(names.has('squareRoot') && !names.has('plain'));
      });
    }
  });
}

describe('planTraining', () => {
  /** A data set of one length that has no data, for plans only. */
  const endless = (T: number, count: number): Dataset => ({
    ...{ input: { kind: 'vectors', size: 2 }, target: { kind: 'values', size: 1 }, loss: 'mse', count },
    length: () => T,
    copy() {},
  });

  test('counts weights, gradient, optimizer, passes and evaluations, and what is allocated is not more', async () => {
    const backend = await wasmBackend();
    for (const memory of ['200kB', '300kB', '1MB', undefined]) {
      const beginning = backend.mark();
      const training = { ...options, memory };
      const network = networkOf(backend, sequences.train);
      const planned = planTraining(network, sequences.train, training, [sequences.validation]);
      new Trainer(network, sequences.train, training, { plan: planned.pass });
      new Evaluator(network, sequences.validation, training.batchSize, planned.evaluationSteps);
      const allocated = backend.mark() - beginning;
      assert.ok(
        allocated <= planned.bytes && planned.bytes <= 1.02 * allocated + 4096,
        `${allocated} allocated, ${planned.bytes} reckoned`,
      );
      if (planned.limit !== null) assert.ok(planned.bytes <= planned.limit);
      backend.release(beginning);
    }
  });

  test('the least that a refusal names is enough', () => {
    const backend = scalarBackend();
    const train = endless(100_000, 8);
    const plan = (memory: string) => planTraining(networkOf(backend, train), train, { ...options, memory }, [train, train]);
    let least = '';
    assert.throws(
      () => plan('1kB'),
      (error: Error & { code: string; place: object }) => {
        least =
          /^training\.memory: is too small with 1 kB: 100000 steps of 4 sequences need (.+) at least; allow/.exec(error.message)?.[1] ?? '';
        assert.deepEqual([error.code, error.place], ['OPTION_INVALID', { field: 'training.memory' }]);
        return true;
      },
    );
    const planned = plan(least);
    assert.equal(planned.pass.plan, 'binomial');
    assert.equal(planned.evaluationSteps, 1);
    assert.match(
      describeMemory(planned),
      /^Plan: 100000 steps of 4 sequences in \d+ segments of \d+, .* \(binomial\), .* in all of .* allowed\.$/,
    );
  });

  test('what does not fit into a WebAssembly memory is planned for 1 GB without being asked', async () => {
    // An LSTM of 128 units takes some 3 kB a step and sequence: 5 GB for 50,000 steps of 32 sequences.
    const backend = await wasmBackend();
    const train = endless(50_000, 32);
    const network = new Network(backend, { cell: 'lstm', hiddenSize: 128 }, train.input, 1);
    const planned = planTraining(network, train, { ...options, batchSize: 32 }, [train]);
    assert.equal(planned.limit, null);
    assert.equal(planned.pass.plan, 'squareRoot');
    assert.ok(planned.bytes <= 1e9 && planned.bytes > 0.9e9);
    // Half of the sequences fit, and nothing changes for them.
    assert.equal(planTraining(network, train, { ...options, batchSize: 16 }, [train]).pass.plan, 'plain');
    // A million sequences side by side fit no way.
    assert.throws(() => planTraining(network, endless(10, 1e6), { ...options, batchSize: 1e6 }), {
      code: 'MEMORY_EXHAUSTED',
      message: /at least, and 4\.\d+ GB are there/,
    });
  });
});
