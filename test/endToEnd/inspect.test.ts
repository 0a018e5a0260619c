import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { inspectCommand } from '../../src/cli/commands/inspect.ts';
import { type NamedTensor, writeSafetensors } from '../../src/interop/safetensors.ts';
import type { HalfLife } from '../../src/monitor/halfLife.ts';
import type { JacobianSpectrum } from '../../src/monitor/jacobian.ts';
import type { LagPoint } from '../../src/monitor/lagProfile.ts';
import type { NonFiniteLocation } from '../../src/monitor/nonFinite.ts';
import type { Saturation } from '../../src/monitor/saturation.ts';
import type { Transport } from '../../src/monitor/transport.ts';
import { flat, type GoldenCase, readCases } from '../golden/goldenCase.ts';
import { throughtime, workplace } from './commandLine.ts';

const cases = readCases(new URL('../golden/testdata', import.meta.url).pathname);

interface Answer {
  loss: number;
  gradientNorm: number;
  located: NonFiniteLocation | null;
  parameters: Record<string, number>;
  lagProfile: LagPoint[];
  lyapunov: number[];
  lyapunovOver: { sequences: number; steps: number };
  over: { sequences: number; steps: number };
  orthogonality: Record<string, number[]>;
  jacobian: JacobianSpectrum;
  transport: Transport;
  saturation: Saturation[];
  halfLife: HalfLife[];
}

/** The case's weights, float64. */
function weightsOf({ params }: GoldenCase): NamedTensor[] {
  return Object.entries(params).map(([name, nested]) => {
    const shape = Array.isArray(nested[0 as never])
      ? [(nested as unknown[]).length, (nested as unknown[][])[0].length]
      : [(nested as unknown[]).length];
    return { name, shape, values: Float64Array.from(flat(nested)) };
  });
}

/** The case's batch as a sequences file, one line a sequence. */
function linesOf({ x, y, at, lengths, lag }: GoldenCase): string {
  const lines = lag.map((_, b) => {
    const steps = x.map((step) => step[b]);
    const target = at === 'last' ? y[b] : y.map((step, t) => (at === 'masked' && t >= lengths[b] ? null : (step as never[])[b]));
    return JSON.stringify({ x: steps, y: target });
  });
  return `${lines.join('\n')}\n`;
}

function filesOf(place: ReturnType<typeof workplace>, golden: GoldenCase, tensors = weightsOf(golden), lines = linesOf(golden)): string[] {
  writeFileSync(place.path('model.safetensors'), writeSafetensors(tensors));
  const data = place.write('data.ndjson', lines);
  const activation = golden.cell === 'rnn-relu' ? ['--activation', 'relu'] : [];
  const targets = golden.at === 'last' ? 'last' : 'every';
  return ['--weights', place.path('model.safetensors'), '--data', data, '--loss', golden.loss, '--targets', targets, ...activation];
}

/** Runs the command in this process and reads what it prints; what the test runner prints meanwhile passes through. */
async function inspect(args: readonly string[]): Promise<Answer> {
  const write = process.stdout.write;
  let printed = '';
  process.stdout.write = ((...output: Parameters<typeof write>) => {
    if (typeof output[0] !== 'string' || !output[0].startsWith('{"loss"')) return write.apply(process.stdout, output);
    printed += output[0];
    return true;
  }) as typeof write;
  try {
    await inspectCommand().parseAsync([...args, '--json'], { from: 'user' });
  } finally {
    process.stdout.write = write;
  }
  return JSON.parse(printed) as Answer;
}

for (const [backend, bound] of [
  ['scalar', 1e-9],
  ['wasm', 1e-4],
] as const) {
  describe(`inspect --json on ${backend}: PyTorch's values to ${bound} relative`, () => {
    const close = (found: number, expected: number, what: string) =>
      assert.ok(Math.abs(found - expected) <= bound * Math.abs(expected) + 1e-30, `${what}: ${found}, not ${expected}`);

    for (const golden of cases) {
      test(golden.name, async () => {
        using place = workplace();
        const answer = await inspect([...filesOf(place, golden), '--backend', backend]);
        close(answer.loss, golden.lossValue, 'loss');
        close(answer.gradientNorm, golden.gradNorm, 'gradient norm');
        assert.deepEqual(Object.keys(answer.parameters).sort(), Object.keys(golden.grads).sort());
        for (const [name, gradient] of Object.entries(golden.grads)) close(answer.parameters[name], Math.hypot(...flat(gradient)), name);
        // The reference profile is that of the loss at the last step, where every sequence counts unless it is masked.
        if (golden.at === 'masked') return;
        assert.equal(answer.lagProfile.length, golden.x.length);
        for (const { lag, meanLog10, ratio } of answer.lagProfile) {
          const mean = (k: number) => golden.lag.reduce((sum, norms) => sum + Math.log10(norms[k]), 0) / golden.lag.length;
          // An exact zero is written as the string "-Infinity", for JSON has no such number.
          const found = Number(meanLog10);
          assert.ok(found === mean(lag) || Math.abs(found - mean(lag)) <= bound, `lag ${lag}: ${found}, not ${mean(lag)}`);
          close(ratio, 10 ** (mean(lag) - mean(0)), `ratio at lag ${lag}`);
        }
      });
    }
  });
}

describe('weights and data that do not fit', () => {
  const lstm = cases.find(({ cell, layers }) => cell === 'lstm' && layers === 2) as GoldenCase;
  const changed = (name: string, change: (tensor: NamedTensor) => NamedTensor[]) =>
    weightsOf(lstm).flatMap((tensor) => (tensor.name === name ? change(tensor) : [tensor]));
  const [H, I] = [lstm.hiddenSize, lstm.inputSize];
  const zeros = (name: string, ...shape: number[]): NamedTensor => ({
    name,
    shape,
    values: new Float64Array(shape.reduce((product, size) => product * size, 1)),
  });

  const wrong: Record<string, [NamedTensor[], RegExp]> = {
    'a name is missing': [changed('bias_hh_l1', () => []), /model\.safetensors: bias_hh_l1: is missing/],
    'the read-out is missing': [changed('readout.weight', () => []), /readout\.weight: is missing/],
    'a layer lacks its recurrent matrix': [changed('weight_hh_l1', () => []), /weight_hh_l1: is missing, though there is .*_l1/],
    'a name is foreign': [[...weightsOf(lstm), zeros('embed.weight', 2, 2)], /embed\.weight: is not part of such a network/],
    'a shape is wrong': [
      changed('weight_ih_l0', () => [zeros('weight_ih_l0', 4 * H + 1, I)]),
      /weight_ih_l0: has the shape \[\d+,\d+\] where/,
    ],
    'a matrix is a vector': [
      changed('weight_hh_l0', () => [zeros('weight_hh_l0', 4 * H * H)]),
      /weight_hh_l0: has the shape .* where 2 dimensions/,
    ],
    'there are two gates': [
      changed('weight_hh_l0', () => [zeros('weight_hh_l0', 2 * H, H)]),
      /weight_hh_l0: .*G = 1 \(rnn\), 3 \(gru\) or 4 \(lstm\)/,
    ],
  };
  for (const [what, [tensors, message]] of Object.entries(wrong)) {
    test(what, async () => {
      using place = workplace();
      await assert.rejects(inspect(filesOf(place, lstm, tensors)), { code: 'SHAPE_MISMATCH', message });
    });
  }

  test('the data have another input size', async () => {
    using place = workplace();
    const lines = '{"x":[[1]],"y":0}\n';
    await assert.rejects(inspect(filesOf(place, lstm, undefined, lines)), {
      code: 'SHAPE_MISMATCH',
      message: /data\.ndjson:1: x\[0\]: must have \d+ numbers/,
    });
  });

  test('an activation for a cell that has none', async () => {
    using place = workplace();
    await assert.rejects(inspect([...filesOf(place, lstm), '--activation', 'relu']), { code: 'OPTION_INVALID' });
  });

  test('nothing is counted', async () => {
    using place = workplace();
    const lines = '{"x":[[1,2,3,4]],"y":[null]}\n'.replace('[1,2,3,4]', JSON.stringify(new Array(I).fill(1)));
    await assert.rejects(inspect(filesOf(place, { ...lstm, at: 'every' }, undefined, lines)), { code: 'DATA_INVALID' });
  });
});

test('a weight that is not a number is named, with what it reaches first', async () => {
  using place = workplace();
  const golden = cases.find(({ cell }) => cell === 'lstm') as GoldenCase;
  const tensors = weightsOf(golden);
  const weight = tensors.find(({ name }) => name === 'weight_hh_l0') as NamedTensor;
  const [, H] = weight.shape;
  (weight.values as Float64Array)[2 * H + 1] = Number.NaN;
  const args = filesOf(place, golden, tensors);
  const { located } = await inspect(args);
  assert.deepEqual([located?.tensor, located?.pass, located?.layer, located?.index], ['weight_hh_l0', 'before', 0, [2, 1]]);
  assert.deepEqual([located?.reaches?.step, located?.reaches?.sequence], [0, 0]);
  const { stdout } = await throughtime(['inspect', ...args, '--threads', '1'], { cwd: place.folder });
  assert.match(stdout, /First not finite: weight_hh_l0 is NaN, element \[2, 1\]; because of it [hc] of layer 0 is NaN at step 0/);
});

describe('inspect of a run', () => {
  test('bounds its work: an LSTM of 256 units over 1000 steps is looked at on fewer sequences, and says so', async () => {
    using place = workplace();
    const file = place.write('wide.json', {
      name: 'wide',
      data: { kind: 'task', name: 'adding', length: 1000, trainSequences: 8, validationSequences: 100 },
      model: { cell: 'lstm', hiddenSize: 256 },
      training: { updates: 1 },
    });
    const run = place.path('run');
    assert.equal((await throughtime(['train', file, '--run', run, '--budget', '1e-9'])).code, 0);
    const { code, stdout, stderr } = await throughtime(['inspect', run, '--json']);
    assert.equal(code, 0, stderr);
    const { over, lyapunovOver, lyapunov } = JSON.parse(stdout) as Answer;
    // 4 * 256 * (256 + 2 + 2) + 257 = 266497 weights; 2e10 / (1000 * 266497) = 75.
    assert.deepEqual(over, { sequences: 75, steps: 1000 });
    assert.deepEqual([lyapunovOver.sequences, lyapunov.length], [2, 32]);
    assert.ok(lyapunovOver.steps >= 100 && lyapunovOver.steps < 1000);
    assert.match(stderr, /^Looking at 1000 steps of 75 sequences; this takes a while\.\n$/);
  });

  test('looks at its last checkpoint on its validation part; for people, with a plot', async () => {
    using place = workplace();
    const file = place.write('parity.json', {
      name: 'parity',
      data: { kind: 'task', name: 'parity', length: 6, trainSequences: 20, validationSequences: 10 },
      model: { cell: 'gru', hiddenSize: 4, layers: 2, residual: true },
      training: { updates: 3 },
    });
    const run = place.path('run');
    const { stdout: trained } = await throughtime(['train', file, '--run', run, '--json']);
    const answer = await inspect([run]);
    const validation = (JSON.parse(trained) as { loss: { validation: number } }).loss.validation;
    assert.ok(Math.abs(answer.loss - validation) < 1e-5);
    assert.equal(answer.lagProfile.length, 6);
    assert.equal(answer.lyapunov.length, 2 * 4);
    assert.deepEqual(answer.lyapunovOver, { sequences: 4, steps: 6 });
    assert.deepEqual(answer.over, { sequences: 10, steps: 6 });
    assert.deepEqual(
      Object.entries(answer.orthogonality).map(([name, gates]) => [name, gates.length]),
      [
        ['weight_hh_l0', 3],
        ['weight_hh_l1', 3],
      ],
    );
    assert.equal(answer.jacobian.jacobians, 32);
    assert.ok(answer.jacobian.smallest.meanLog10 < answer.jacobian.largest.meanLog10);
    assert.deepEqual(
      answer.transport.points.map(({ lag }) => lag),
      [1, 2, 4, 5],
    );
    assert.deepEqual(
      answer.saturation.map(({ layer, name }) => `${name}_l${layer}`),
      ['r_l0', 'z_l0', 'n_l0', 'r_l1', 'z_l1', 'n_l1'],
    );
    assert.deepEqual(
      answer.halfLife.map(({ layer, state }) => `${state}_l${layer}`),
      ['h_l0', 'h_l1'],
    );
    const { code, stdout } = await throughtime(['inspect', run]);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /2 x 4 gru .* over 6 steps of 10 sequences\n.*loss .*[\s\S]*•[\s\S]*k +1 +2 +4 +5\n +largest[\s\S]*Lyapunov exponents, .* over 6 steps of 4 sequences:[\s\S]*Half-lives[\s\S]*z_l1 +sigmoid +\d+% shut[\s\S]*weight_hh_l1/,
    );
  });
});
