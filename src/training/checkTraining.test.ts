import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTraining } from './checkTraining.ts';
import { type TrainingOptions, trainingDefaults } from './options.ts';

test('options that are unknown, out of range or without meaning are refused by name', () => {
  for (const [options, field] of [
    [{ learningRate: -1 }, 'learningRate'],
    [{ learningRate: Number.NaN }, 'learningRate'],
    [{ learningrate: 1 }, 'learningrate'],
    [{ batchSize: 0 }, 'batchSize'],
    [{ batchSize: 1.5 }, 'batchSize'],
    [{ updates: -3 }, 'updates'],
    [{ seed: -1 }, 'seed'],
    [{ optimizer: 'x' }, 'optimizer'],
    [{ optimizer: 'toString' }, 'optimizer'],
    [{ schedule: 'cos' }, 'schedule'],
    [{ clip: { foo: 1 } }, 'clip'],
    [{ clip: { globalNorm: 1, value: 1 } }, 'clip'],
    [{ momentum: 0.5 }, 'momentum'],
    [{ bptt: { k1: 4, k2: 2 } }, 'bptt.k2'],
    [{ validateEvery: 0 }, 'validateEvery'],
    [{ omega: { weight: 0 } }, 'omega.weight'],
    [{ omega: { weight: 1 }, bptt: { k1: 1, k2: 1 } }, 'omega'],
    [{ omega: { weight: 1 }, clip: { recurrentNorm: 1 } }, 'omega'],
    [{ memory: 'much' }, 'memory'],
    [{ memory: -1 }, 'memory'],
  ] as const) {
    const training = { ...trainingDefaults, ...options } as TrainingOptions;
    assert.throws(() => checkTraining(training), { code: 'OPTION_INVALID', place: { field: `training.${field}` } });
  }
  checkTraining({
    ...trainingDefaults,
    optimizer: 'adamw',
    weightDecay: 0.1,
    schedule: { warmUp: 10 },
    clip: { value: 5 },
    bptt: { k1: 2, k2: 9 },
    memory: '64MB',
  });
});
