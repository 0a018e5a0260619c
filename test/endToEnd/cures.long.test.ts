/** Networks with long memories, on the command line: trained, taken up again, looked at, and refused where an option has no meaning. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { readSafetensors } from '../../src/interop/safetensors.ts';
import { throughtime, workplace } from './commandLine.ts';

const data = { kind: 'task', name: 'copying', length: 8, memory: 3, symbols: 4, trainSequences: 400, validationSequences: 40 };
const training = { updates: 120, batchSize: 16, optimizer: 'rmsprop', learningRate: 0.01, bptt: { k1: 6, k2: 9 }, validateEvery: 60 };
const experiments = {
  'a GRU of two layers with orthogonal blocks and a skip, truncated, its recurrent path clipped': {
    model: { cell: 'gru', hiddenSize: 12, layers: 2, orthogonal: { by: 'polar', learningRate: 0.002 }, skip: { kind: 'weighted', lag: 3 } },
    training: { ...training, clip: { recurrentNorm: 0.1 }, monitors: ['orthogonality'], monitorEvery: 30 },
  },
  LRU: { model: { cell: 'lru', hiddenSize: 12, layers: 2, residual: true }, training },
  'a ReLU network of two layers with added skips, truncated': {
    model: { cell: 'rnn', activation: 'relu', hiddenSize: 12, layers: 2, skip: { kind: 'add', perLayer: [2, [3, 7]] } },
    training: { ...training, clip: { globalNorm: 1 } },
  },
  'an LSTM of dilated layers, truncated': {
    model: { cell: 'lstm', hiddenSize: 12, layers: 3, residual: true, skip: { kind: 'dilated', perLayer: [1, 3, 8] } },
    training,
  },
  'minGRU with chrono': { model: { cell: 'mingru', hiddenSize: 12, forgetBias: 'chrono' }, training: { ...training, bptt: 'full' } },
};

for (const [name, experiment] of Object.entries(experiments)) {
  test(`${name}: stopped and taken up again it has the same bits, and inspect shows it`, async () => {
    using place = workplace();
    const file = place.write('cure.json', { name: 'cure', data, ...experiment });
    const [whole, stopped] = [place.path('whole'), place.path('stopped')];
    const first = await throughtime(['train', file, '--run', whole, '--threads', '1', '--json']);
    assert.equal(first.code, 0, first.stderr);
    assert.equal((await throughtime(['train', file, '--run', stopped, '--threads', '1', '--budget', '0.001'])).code, 0);
    const before = readSafetensors(readFileSync(`${stopped}/checkpoint.safetensors`), 'checkpoint');
    assert.ok((JSON.parse(before.metadata.cursor) as { update: number }).update < 120);
    const again = await throughtime(['train', stopped, '--threads', '1']);
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(readFileSync(`${stopped}/checkpoint.safetensors`), readFileSync(`${whole}/checkpoint.safetensors`));

    const { code, stdout, stderr } = await throughtime(['inspect', whole, '--json']);
    assert.equal(code, 0, stderr);
    const { orthogonality, loss } = JSON.parse(stdout) as { orthogonality: Record<string, number[]>; loss: number };
    const trained = JSON.parse(first.stdout) as { loss: { validation: number } };
    assert.ok(Math.abs(loss - trained.loss.validation) < 1e-5);
    const blocks = Object.values(orthogonality).flat();
    const { cell, layers } = { layers: 1, ...experiment.model };
    assert.equal(blocks.length, layers * { gru: 3, rnn: 1, lstm: 4, lru: 0, mingru: 0 }[cell as 'gru']);
    if ('orthogonal' in experiment.model) for (const distance of blocks) assert.ok(distance < 1e-5, `${distance}`);
  });
}

describe('what makes no sense is refused, with the reason', () => {
  for (const [set, message] of [
    [
      ['model.cell=lru', 'model.orthogonal=true'],
      /--set: model\.orthogonal: has no meaning for the cell lru, whose units .* without a recurrent matrix/,
    ],
    [['model.cell=mingru', 'model.recurrentInit=identity'], /model\.recurrentInit: has no meaning for the cell mingru/],
    [['model.cell=gru', 'model.forgetBias=chrono'], /model\.forgetBias: has no meaning for the cell gru, which has no forget gate/],
    [
      ['model.orthogonal=true', 'model.recurrentInit={"gaussian":1}'],
      /model\.orthogonal: keeps an orthogonal matrix, and recurrentInit \{"gaussian":1\} does not start from one; choose "orthogonal", "identity", "henaff", "cayley"/,
    ],
    [['model.orthogonal={"by":"qr"}'], /model\.orthogonal: must be true, false, or \{"by": "exponential"/],
  ] as const) {
    test(set.join(', '), async () => {
      using place = workplace();
      const file = place.write('cure.json', { name: 'cure', data, model: { cell: 'rnn', hiddenSize: 4 } });
      const { code, stderr } = await throughtime(['train', file, ...set.flatMap((each) => ['--set', each])]);
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
  }
});
