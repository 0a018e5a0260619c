/** What a training does about an explosion, and that it does the same when it is taken up from a checkpoint in between. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { makeTask } from '../../src/data/task/tasks.ts';
import { chooseThreshold } from '../../src/diagnosis/threshold/choose.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { restoreCheckpoint, writeCheckpoint } from '../../src/run/checkpoint.ts';
import type { TrainingEvent } from '../../src/training/events.ts';
import { takeSnapshot } from '../../src/training/guard/snapshots.ts';
import { type TrainingOptions, trainingDefaults } from '../../src/training/options.ts';
import { Trainer } from '../../src/training/trainer.ts';
import { workplace } from './commandLine.ts';

const backend = await wasmBackend();
const { train } = makeTask({ kind: 'task', name: 'adding', length: 30, trainSequences: 400, validationSequences: 2 });
/** Explodes within a few updates. */
const model: ModelOptions = { cell: 'rnn', hiddenSize: 16, recurrentInit: { gaussian: 1.5 } };
const exploding = { optimizer: 'sgd', learningRate: 0.3, clip: 'none', batchSize: 8 } as const;

function trainerOf(options: Partial<TrainingOptions>): Trainer {
  const network = new Network(backend, model, train.input, train.target.size);
  initialize(network, model, 2);
  return new Trainer(network, train, { ...trainingDefaults, ...exploding, updates: 130, ...options });
}

/** Trains to the end, or for some updates; `auto` has its threshold chosen. */
function run(trainer: Trainer, updates = Infinity): TrainingEvent[] {
  const events: TrainingEvent[] = [];
  for (let count = 0; count < updates && !trainer.done; count++) {
    trainer.step();
    if (trainer.waiting) chooseThreshold(trainer);
    events.push(...trainer.takeEvents());
  }
  return events;
}

const bits = (trainer: Trainer) => [...new Uint32Array(trainer.network.parameters.values.slice().buffer)];

describe('the guard', () => {
  test('warn: it is said, and the training goes on until its updates are not finite, which are left out', () => {
    const events = run(trainerOf({ guard: 'warn' }));
    assert.equal(events[0].action, 'warned');
    assert.ok(events.some(({ kind, action }) => kind === 'nonFinite' && action === 'skipped'));
    assert.ok(events.every(({ action }) => action === 'warned' || action === 'skipped'));
  });

  test('skip: an update that would wreck the weights changes nothing', () => {
    const trainer = trainerOf({ guard: 'skip' });
    for (;;) {
      const before = bits(trainer);
      const { applied } = trainer.cursor;
      trainer.step();
      const [event] = trainer.takeEvents();
      if (!event) continue;
      assert.deepEqual([event.kind, event.action], ['overshoot', 'skipped']);
      assert.deepEqual(bits(trainer), before);
      assert.equal(trainer.cursor.applied, applied);
      break;
    }
    assert.ok(run(trainer).every(({ kind }) => kind !== 'nonFinite'));
    assert.ok(trainer.network.parameters.values.every(Number.isFinite));
  });

  test('rollback: back to the last good moment with a smaller step, and updates go on being counted', () => {
    const trainer = trainerOf({ guard: { rollback: 0.25 } });
    const start = takeSnapshot(trainer);
    let event: TrainingEvent | undefined;
    while (!event) {
      trainer.step();
      [event] = trainer.takeEvents();
    }
    const { update } = trainer;
    assert.equal(event.action, 'rolledBack');
    assert.deepEqual([event.update, event.to, event.rate], [update, 0, 0.25]);
    assert.deepEqual([...trainer.network.parameters.values], [...start.values]);
    assert.deepEqual(trainer.cursor, { update, applied: 0, epoch: 0, batch: 0, window: 0, rate: 0.25 });
    assert.ok(Math.abs(trainer.step().learningRate - 0.3 * 0.25) < 1e-12);
    run(trainer);
    assert.equal(trainer.update, 130);
    assert.ok(trainer.network.parameters.values.every(Number.isFinite));
  });

  test('rollback: one that does not help is given up after twenty', () => {
    const trainer = trainerOf({ guard: { rollback: 0.999 } });
    const events = run(trainer);
    assert.equal(events.filter(({ action }) => action === 'rolledBack').length, 20);
    assert.equal(events.at(-1)?.action, 'stopped');
    assert.ok(trainer.halted && trainer.done);
  });

  test('stop: the training is over, and the weights are as before the update', () => {
    const trainer = trainerOf({ guard: 'stop' });
    let before = bits(trainer);
    while (!trainer.done) {
      before = bits(trainer);
      trainer.step();
    }
    assert.equal(trainer.takeEvents().at(-1)?.action, 'stopped');
    assert.ok(trainer.halted && trainer.update < 20);
    assert.deepEqual(bits(trainer), before);
    assert.throws(() => trainer.step(), { code: 'OPTION_INVALID' });
  });

  test('a factor that is none, or a word that is none, is refused with its field', () => {
    for (const rollback of [0, 1, -1, Number.NaN]) {
      assert.throws(() => trainerOf({ guard: { rollback } }), { code: 'OPTION_INVALID', place: { field: 'training.guard.rollback' } });
    }
    assert.throws(() => trainerOf({ guard: 'panic' as never }), { code: 'OPTION_INVALID', place: { field: 'training.guard' } });
  });
});

describe('clip auto', () => {
  test('waits at the first sign; chooses once, from before it, and trains on without an explosion', () => {
    const trainer = trainerOf({ clip: 'auto' });
    const start = takeSnapshot(trainer);
    while (!trainer.waiting) trainer.step();
    assert.equal(trainer.chosen, null);
    assert.throws(() => trainer.step(), { code: 'OPTION_INVALID', message: /waits for a threshold/ });
    const { update } = trainer;
    const found = chooseThreshold(trainer);
    assert.ok(found.threshold !== null && found.threshold > 0 && found.explodes);
    assert.equal(trainer.chosen, found.threshold / 2);
    assert.equal(trainer.update, update);
    assert.deepEqual([...trainer.network.parameters.values], [...start.values]);
    const events = [...trainer.takeEvents(), ...run(trainer)];
    assert.deepEqual(
      events.slice(0, 2).map(({ action }) => action),
      ['skipped', 'clipChosen'],
    );
    assert.equal(events[1].threshold, trainer.chosen);
    assert.equal(events.filter(({ action }) => action === 'clipChosen').length, 1);
    assert.ok(trainer.network.parameters.values.every(Number.isFinite));
  });

  test('a training that does not explode is never clipped', () => {
    const trainer = trainerOf({ clip: 'auto', learningRate: 0.003, updates: 60 });
    const free = trainerOf({ clip: 'none', learningRate: 0.003, updates: 60 });
    run(trainer);
    run(free);
    assert.deepEqual(bits(trainer), bits(free));
  });
});

describe('taken up from a checkpoint at any update, it goes on to the same bits', () => {
  for (const [name, options, last] of [
    ['rollback', { guard: 'rollback' }, 130],
    ['skip', { guard: 'skip' }, 60],
    ['percentile', { clip: { percentile: 50 } }, 40],
    ['auto', { clip: 'auto', updates: 60 }, 60],
  ] as const) {
    test(name, async () => {
      using place = workplace();
      const whole = trainerOf(options);
      const expected = run(whole, last);
      for (const stop of [1, 3, 55]) {
        if (stop >= last) continue;
        const file = place.path(`${stop}.safetensors`);
        const first = trainerOf(options);
        const before = run(first, stop);
        writeCheckpoint(first, file);
        const second = trainerOf(options);
        await restoreCheckpoint(second, file);
        const after = run(second, last - stop);
        assert.deepEqual([...before, ...after], expected, `taken up after ${stop}`);
        assert.deepEqual(bits(second), bits(whole), `taken up after ${stop}`);
      }
    });
  }

  test('stopped while a threshold is waited for: it is chosen after that, the same', async () => {
    using place = workplace();
    const whole = trainerOf({ clip: 'auto', updates: 40 });
    run(whole);
    const first = trainerOf({ clip: 'auto', updates: 40 });
    while (!first.waiting) first.step();
    writeCheckpoint(first, place.path('waiting.safetensors'));
    const second = trainerOf({ clip: 'auto', updates: 40 });
    await restoreCheckpoint(second, place.path('waiting.safetensors'));
    assert.ok(second.waiting);
    chooseThreshold(second);
    run(second);
    assert.equal(second.chosen, whole.chosen);
    assert.deepEqual(bits(second), bits(whole));
  });
});
