/** Networks that PyTorch trained (scripts/interop/pytorchNetworks.py): taken over, they say the same, and are judged. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { sequencesInputs } from '../../src/data/sequences.ts';
import type { StoredSequences } from '../../src/data/storedSequences.ts';
import { makeTask } from '../../src/data/task/tasks.ts';
import { fromPytorch } from '../../src/interop/pytorch.ts';
import { type NamedTensor, readSafetensors, writeSafetensors } from '../../src/interop/safetensors.ts';
import { weightTensors } from '../../src/run/checkpoint.ts';
import { exportNetwork } from '../../src/run/exportRun.ts';
import { importWeights } from '../../src/run/importWeights.ts';
import { openLines } from '../../src/run/openData.ts';
import { openWeights } from '../../src/run/openWeights.ts';
import { predictions } from '../../src/training/predictions.ts';
import { throughtime, workplace } from '../endToEnd/commandLine.ts';

const testdata = path.join(import.meta.dirname, 'testdata');
const place = workplace();
after(() => place[Symbol.dispose]());

const backends = [scalarBackend(), await wasmBackend({ threads: 1 })];

/** 300 sequences like those that the script trains on. */
function addingFile(): string {
  const { arrays } = makeTask({ kind: 'task', name: 'adding', length: 16, trainSequences: 300, validationSequences: 1, seed: 9 })
    .train as StoredSequences;
  const { vectors, values } = arrays;
  const lines = Array.from(values, (y, n) => {
    const x = Array.from({ length: 16 }, (_, t) => [...vectors.subarray((n * 16 + t) * 2, (n * 16 + t + 1) * 2)]);
    return `${JSON.stringify({ x, y })}\n`;
  });
  return place.write('adding.ndjson', lines.join(''));
}

interface Reference {
  readonly loss: number;
  readonly y: readonly (readonly (readonly number[])[])[];
}

for (const [cell, layers] of [
  ['lstm', 2],
  ['gru', 1],
] as const) {
  const source = path.join(testdata, `${cell}.safetensors`);
  const data = path.join(testdata, `${cell}.ndjson`);
  const reference = JSON.parse(readFileSync(path.join(testdata, `${cell}.json`), 'utf8')) as Reference;
  const file = place.path(`${cell}.safetensors`);

  describe(`${layers} layers of ${cell} trained by PyTorch`, () => {
    test('its weights are taken under their own names', async () => {
      const answer = await importWeights({ source, file });
      const { renamed, zeros, ...shape } = answer;
      assert.deepEqual(shape, { source, file, cell, layers, inputSize: 2, hiddenSize: 8, outputSize: 1 });
      assert.equal(renamed['core.weight_hh_l0'], 'weight_hh_l0');
      assert.equal(renamed['head.bias'], 'readout.bias');
      assert.deepEqual(zeros, []);
    });

    for (const backend of backends) {
      test(`the same outputs at every step to 1e-5, on ${backend.name}`, async () => {
        const shape = await openWeights(file);
        const network = shape.open(backend, { kind: 'vectors', size: 2 });
        const expected = { input: network.input, outputSize: 1 };
        const dataset = await sequencesInputs(openLines(data), { loss: 'mse', targets: 'every', expected });
        let compared = 0;
        for (const { sequence, outputs } of predictions(network, dataset, 7)) {
          for (const [t, output] of outputs.entries()) {
            const difference = Math.abs(output[0] - reference.y[sequence][t][0]);
            assert.ok(difference <= 1e-5, `sequence ${sequence}, step ${t}: ${difference}`);
            compared++;
          }
        }
        assert.equal(compared, 24 * 16);
      });
    }

    test('inspect finds its loss, and diagnose judges it: it learned what the data allow', async () => {
      const from = ['--weights', file, '--loss', 'mse', '--json'];
      const inspected = await throughtime(['inspect', ...from, '--data', data, '--backend', 'scalar']);
      assert.equal(inspected.code, 0, inspected.stderr);
      const { loss } = JSON.parse(inspected.stdout) as { loss: number };
      assert.ok(Math.abs(loss - reference.loss) <= 1e-5 * reference.loss, `${loss} and ${reference.loss}`);
      const judged = await throughtime(['diagnose', ...from, '--data', addingFile(), '--backend', 'wasm', '--threads', '1']);
      assert.equal(judged.code, 0, judged.stderr);
      const diagnosis = JSON.parse(judged.stdout) as { verdict: string; loss: { model: number }; gradientHorizon: number };
      assert.equal(diagnosis.verdict, 'healthy', judged.stdout.slice(0, 2000));
      // A sum of two uniform numbers has the variance 1/6.
      assert.ok(diagnosis.loss.model < 0.1 / 6);
    });

    test('exported and imported again, its bits are the same', async () => {
      const exported = place.path(`${cell}-out.safetensors`);
      const again = place.path(`${cell}-again.safetensors`);
      await exportNetwork({ source: file, file: exported, backend: scalarBackend() });
      await importWeights({ source: exported, file: again });
      const backend = await wasmBackend({ threads: 1 });
      const [one, two] = await Promise.all([file, again].map((each) => openWeights(each)));
      const [before, after] = [one, two].map((each) => weightTensors(each.open(backend, { kind: 'vectors', size: 2 })));
      assert.deepEqual(after, before);
    });
  });
}

describe('what is no such module is refused in a sentence', () => {
  const zeros = (name: string, ...shape: number[]): NamedTensor => {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    return { name, shape, values };
  };
  const lstm = [zeros('a.weight_ih_l0', 8, 3), zeros('a.weight_hh_l0', 8, 2)];
  const head = [zeros('b.weight', 1, 2)];

  test('biases that are not there are zeros', () => {
    const names = fromPytorch([...lstm, ...head], 'a').map(({ name, shape }) => `${name} [${shape}]`);
    const biases = ['bias_ih_l0 [8]', 'bias_hh_l0 [8]', 'readout.bias [1]'];
    assert.deepEqual(names, ['weight_ih_l0 [8,3]', 'weight_hh_l0 [8,2]', 'readout.weight [1,2]', ...biases]);
  });

  for (const [what, more, message] of [
    ['two directions', zeros('a.weight_ih_l0_reverse', 8, 3), /^m: a\.weight_ih_l0_reverse: .*two directions.*bidirectional=False$/],
    ['a projection', zeros('a.weight_hr_l0', 1, 2), /^m: a\.weight_hr_l0: is a projection of the state/],
    ['a second linear layer', zeros('c.weight', 1, 1), /^m: c\.weight: belongs to a second linear layer beside "b\."/],
    ['a second recurrent part', zeros('d.weight_ih_l0', 8, 2), /^m: d\.weight_ih_l0: belongs to a second recurrent layer/],
    ['another parameter', zeros('norm.running_mean', 2), /^m: norm\.running_mean: is none of the parameters/],
  ] as const) {
    test(what, () => {
      assert.throws(() => fromPytorch([...lstm, ...head, more], 'm'), { code: 'SHAPE_MISMATCH', message });
    });
  }

  test('the command says so with exit code 2, and writes nothing', async () => {
    const source = place.path('two.safetensors');
    writeFileSync(source, writeSafetensors([...lstm, ...head, zeros('c.weight', 1, 1)]));
    const { code, stderr, stdout } = await throughtime(['import', source, place.path('none.safetensors')]);
    assert.deepEqual({ code, stdout, lines: stderr.trimEnd().split('\n').length }, { code: 2, stdout: '', lines: 1 });
    assert.ok(!existsSync(place.path('none.safetensors')));
    // Without a read-out, or to a file of another kind.
    writeFileSync(source, writeSafetensors(lstm));
    await assert.rejects(importWeights({ source, file: place.path('none.safetensors') }), {
      code: 'SHAPE_MISMATCH',
      message: /readout\.weight: is missing/,
    });
    await assert.rejects(importWeights({ source, file: place.path('none.bin') }), { code: 'OPTION_INVALID' });
  });
});

test('export of a run: weights of the same bits, a model with what its user has to know; refusals with exit code 2', async () => {
  const experiment = {
    name: 'recall',
    data: { kind: 'task', name: 'recall', lag: 2 },
    model: { cell: 'gru', hiddenSize: 5 },
    training: { updates: 20 },
  };
  const trained = await throughtime(['train', place.write('recall.json', experiment), '--run', place.path('run'), '--threads', '1']);
  assert.equal(trained.code, 0, trained.stderr);
  const { code, stdout, stderr } = await throughtime(['export', place.path('run'), place.path('run.safetensors'), '--json']);
  assert.equal(code, 0, stderr);
  const answer = JSON.parse(stdout);
  assert.deepEqual(
    { cell: answer.cell, weights: answer.weights, hiddenSize: answer.hiddenSize },
    { cell: 'gru', weights: 'best', hiddenSize: 5 },
  );
  const read = (name: string) => readSafetensors(readFileSync(place.path(name)), name);
  const { tensors, metadata } = read('run.safetensors');
  const best = read('run/best.safetensors').tensors;
  assert.deepEqual([...tensors.values()], [...best.values()]);
  assert.deepEqual(JSON.parse(metadata['throughtime.data']), { kind: 'task', name: 'recall' });
  assert.equal(JSON.parse(metadata['throughtime.model']).cell, 'gru');
  const backend = scalarBackend();
  const source = place.path('run');
  const onnx = await exportNetwork({ source, file: place.path('run.onnx'), backend });
  assert.equal(readFileSync(place.path('run.onnx')).length, onnx.bytes);
  const wrong = await throughtime(['export', source, place.path('run.pt')]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /run\.pt: must end in \.safetensors or \.onnx, which says what is written/);
  await assert.rejects(exportNetwork({ source, file: place.path('nowhere/a.onnx'), backend }), {
    message: /nowhere\/a\.onnx: cannot be written: there is no such folder; make room or choose another place$/,
  });
  await assert.rejects(exportNetwork({ source: place.path('nothing'), file: place.path('a.onnx'), backend }), {
    message: /nothing: is not a run directory: there is nothing of that name; check the path$/,
  });
  await assert.rejects(exportNetwork({ source, file: place.path('a.onnx'), backend, activation: 'relu' }), { code: 'OPTION_INVALID' });
});
