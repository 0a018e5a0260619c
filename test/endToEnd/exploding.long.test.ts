/** Explosions on the command line: said, kept, replayed, gone back before, and their threshold found. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { readEvents } from '../../src/run/events.ts';
import { readMetrics } from '../../src/run/metrics.ts';
import { throughtime, workplace } from './commandLine.ts';

/** A ReLU network whose state and gradient double and more at each step; an update of it is wrecked at once. */
const exploding = {
  name: 'boom',
  data: { kind: 'task', name: 'adding', length: 60, trainSequences: 200, validationSequences: 20 },
  model: { cell: 'rnn', activation: 'relu', hiddenSize: 16, recurrentInit: { gaussian: 2 } },
  training: { optimizer: 'sgd', learningRate: 0.01, updates: 12, batchSize: 8, clip: 'none' },
};
/** One that a clip can save. */
const savable = {
  ...exploding,
  name: 'savable',
  data: { ...exploding.data, length: 20 },
  model: { cell: 'rnn', hiddenSize: 12, recurrentInit: 'orthogonal' },
  training: { ...exploding.training, learningRate: 0.4, updates: 60 },
};

describe('a run that explodes', () => {
  test('is trained to its end by default: warned of, updates that are not finite left out, located, kept and replayed', async () => {
    using place = workplace();
    const file = place.write('boom.json', exploding);
    const { code, stdout, stderr } = await throughtime(['train', file, '--threads', '1', '--json'], { cwd: place.folder });
    assert.equal(code, 0, stderr);
    const answer = JSON.parse(stdout);
    assert.equal(answer.stopped, null);
    assert.ok(answer.explosion.events >= 2 && answer.explosion.update === 1);
    assert.deepEqual([answer.explosion.leftOut, answer.explosion.rollbacks, answer.explosion.rate], [0, 0, 1]);
    assert.match(stderr, /Update 1: warning: /);
    const run = path.join(place.folder, answer.run);
    const events = readEvents(path.join(run, 'events.jsonl'));
    const skipped = events.find(({ action }) => action === 'skipped');
    assert.ok(skipped?.located);
    assert.equal(answer.replayable, skipped.update);
    assert.match(
      stderr,
      new RegExp(`Update ${skipped.update}: left out: not finite: .*; first in the pass: ${skipped.located.tensor} of layer 0 is `),
    );
    const { lines } = readMetrics(path.join(run, 'metrics.jsonl'));
    assert.equal(lines.length, 12);
    assert.ok(lines.every(({ clip, parameters }) => clip?.share === 0 && Object.keys(parameters ?? {}).length === 6));
    assert.ok((lines[0].throughTime?.oldest ?? 0) - (lines[0].throughTime?.newest ?? 0) > 4);
    assert.equal(readdirSync(path.join(run, 'failures')).length, 3);

    const replayed = await throughtime(['inspect', answer.run, '--replay', String(skipped.update), '--threads', '1', '--json'], {
      cwd: place.folder,
    });
    assert.equal(replayed.code, 0, replayed.stderr);
    const { located, update, sequences } = JSON.parse(replayed.stdout);
    assert.deepEqual([update, sequences], [skipped.update, 8]);
    assert.deepEqual(located, JSON.parse(JSON.stringify(skipped.located)));
    const plain = await throughtime(['inspect', answer.run, '--replay', String(skipped.update)], { cwd: place.folder });
    assert.match(plain.stdout, /first +\S+ of layer 0 is (NaN|Infinity) at step \d+ of sequence \d+/);

    for (const [args, message] of [
      [
        ['inspect', answer.run, '--replay', '999'],
        /--replay 999: the pass of that update has not been kept; kept are those of the updates \d/,
      ],
      [['inspect', '--replay', '2'], /--replay needs the run directory/],
      [['inspect', answer.run, '--replay', '2', '--loss', 'mse'], /--loss does not go with --replay/],
      [['inspect', answer.run, '--replay', 'x'], /--replay <update>.* invalid/],
    ] as const) {
      const refused = await throughtime(args, { cwd: place.folder });
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, message);
      assert.equal(refused.stderr.trim().split('\n').length, 1);
    }
  });

  test('under the guard stop it ends with code 1, and another run goes on from before it', async () => {
    using place = workplace();
    const file = place.write('savable.json', savable);
    const stopped = await throughtime(['train', file, '--set', 'training.guard=stop', '--threads', '1', '--json'], { cwd: place.folder });
    assert.equal(stopped.code, 1);
    const answer = JSON.parse(stopped.stdout);
    assert.equal(answer.stopped, 'explosion');
    assert.match(
      stopped.stderr,
      /the guard has stopped the run; go on from before the explosion, e\.g\. with: throughtime train runs\/savable --rewind/,
    );
    assert.ok(existsSync(path.join(place.folder, answer.run, 'beforeExplosion.safetensors')));

    const set = ['--set', 'training.clip.globalNorm=0.2', '--set', 'training.guard=warn'];
    const rewound = await throughtime(['train', answer.run, '--rewind', ...set, '--threads', '1', '--json'], { cwd: place.folder });
    assert.equal(rewound.code, 0, rewound.stderr);
    const second = JSON.parse(rewound.stdout);
    assert.notEqual(second.run, answer.run);
    assert.deepEqual([second.updates, second.stopped, second.nonFiniteUpdates], [60, null, 0]);
    assert.ok(second.clippedFraction > 0 && second.clip.factor.min < 1);

    for (const [args, message] of [
      [[answer.run, '--rewind', '--set', 'model.cell=gru'], /--set model\.cell cannot change on the way/],
      [[answer.run, '--rewind', '--set', 'training.batchSize=4'], /--set training\.batchSize cannot change on the way/],
      [[answer.run, '--rewind', '--set', 'training.clip={"globalNorm":-1}'], /training\.clip/],
      [[second.run, '--rewind'], /has had no explosion to go back before/],
      [['savable.json', '--rewind'], /--rewind goes with a run directory/],
    ] as const) {
      const refused = await throughtime(['train', ...args], { cwd: place.folder });
      assert.equal(refused.code, 2, args.join(' '));
      assert.match(refused.stderr, message);
    }
  });

  test('with clip auto it trains, and says what was chosen', async () => {
    using place = workplace();
    const file = place.write('savable.json', savable);
    const { code, stdout, stderr } = await throughtime(['train', file, '--set', 'training.clip=auto', '--threads', '1', '--json'], {
      cwd: place.folder,
    });
    assert.equal(code, 0, stderr);
    const answer = JSON.parse(stdout);
    assert.equal(answer.nonFiniteUpdates, 0);
    const chosen = readEvents(path.join(place.folder, answer.run, 'events.jsonl')).filter(({ action }) => action === 'clipChosen');
    assert.equal(chosen.length, 1);
    assert.ok((chosen[0].threshold ?? 0) > 0);
    assert.match(stderr, /back to the weights of update 0, the norm of the gradient clipped at /);
  });
});

describe('tune-clip', () => {
  test('answers with the threshold, in words and as JSON, and writes nothing', async () => {
    using place = workplace();
    const file = place.write('savable.json', savable);
    const { code, stdout, stderr } = await throughtime(['tune-clip', file, '--seeds', '2', '--threads', '1', '--json'], {
      cwd: place.folder,
    });
    assert.equal(code, 0, stderr);
    const answer = JSON.parse(stdout);
    assert.ok(answer.threshold > 0 && answer.explodesWithout && answer.confidence > 0 && answer.stopped === null);
    for (const field of ['explosion', 'snapshot', 'tried', 'unstable', 'gradientNorm', 'curve', 'againstAverage', 'price', 'seconds']) {
      assert.ok(field in answer, field);
    }
    const words = await throughtime(['tune-clip', file, '--seeds', '1', '--threads', '1'], { cwd: place.folder });
    assert.match(words.stdout, /threshold +[\d.e-]+, of the global norm/);
    assert.match(words.stdout, /the threshold dotted:\n +1e/);
    assert.match(words.stdout, /Train with it: throughtime train .*savable\.json --set training\.clip\.globalNorm=/);
    assert.deepEqual(readdirSync(place.folder), ['savable.json']);
  });

  test('says where nothing explodes, and what a budget cut short', async () => {
    using place = workplace();
    const file = place.write('savable.json', savable);
    const calm = await throughtime(['tune-clip', file, '--set', 'training.learningRate=0.001', '--threads', '1'], { cwd: place.folder });
    assert.match(calm.stdout, /No threshold is needed: without a clip, nothing explodes in all 60 updates\./);
    const cut = await throughtime(['tune-clip', file, '--budget', '0.001', '--json'], { cwd: place.folder });
    assert.equal(cut.code, 0, cut.stderr);
    const answer = JSON.parse(cut.stdout);
    assert.deepEqual([answer.stopped, answer.threshold, answer.confidence], ['budget', null, null]);
  });

  test('leaves its answer in a run directory', async () => {
    using place = workplace();
    const file = place.write('calm.json', { ...savable, training: { ...savable.training, learningRate: 0.001, updates: 5 } });
    const run = path.join(place.folder, 'run');
    assert.equal((await throughtime(['train', file, '--run', run], { cwd: place.folder })).code, 0);
    const { code, stdout, stderr } = await throughtime(['tune-clip', run, '--threads', '1', '--json'], { cwd: place.folder });
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(readFileSync(path.join(run, 'tuneClip.json'), 'utf8')), JSON.parse(stdout));
  });

  test('refuses what it does not know', async () => {
    using place = workplace();
    place.write('savable.json', savable);
    for (const args of [
      ['--seeds', '0'],
      ['--seeds', 'x'],
      ['--run', 'y'],
      ['--set', 'training.clip=much'],
      ['--set', 'training.guard=panic'],
    ]) {
      const { code, stderr } = await throughtime(['tune-clip', 'savable.json', ...args], { cwd: place.folder });
      assert.equal(code, 2, args.join(' '));
      assert.equal(stderr.trim().split('\n').length, 1);
    }
    assert.equal((await throughtime(['tune-clip', 'missing.json'], { cwd: place.folder })).code, 2);
  });
});

test('thresholds and guards that cannot be are refused with file, line and field', async () => {
  using place = workplace();
  const file = place.write('savable.json', savable);
  for (const [set, message] of [
    ['training.clip={"recurrentNorm":0}', /--set: training\.clip.*must be/],
    ['training.clip={"percentile":100}', /--set: training\.clip.*must be/],
    ['training.clip={"globalNorm":1,"value":1}', /--set: training\.clip.*must be/],
    ['training.guard={"rollback":1}', /--set: training\.guard.*must be/],
    ['training.guard={"rollback":0.5,"most":3}', /--set: training\.guard\.most: is not a field here/],
  ] as const) {
    const { code, stderr } = await throughtime(['train', file, '--set', set], { cwd: place.folder });
    assert.equal(code, 2, set);
    assert.match(stderr, message);
    assert.equal(stderr.trim().split('\n').length, 1);
  }
});
