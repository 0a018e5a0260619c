/** Whoever trains the trials of a sweep: each job once, to where it is asked to go, and on from there. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import type { Experiment } from '../../src/run/experiment.ts';
import { RunDirectory } from '../../src/run/runDirectory.ts';
import { trainRun } from '../../src/run/trainRun.ts';
import type { Hands, HandsWatcher, TrialAnswer, TrialJob } from '../../src/sweep/hands/hands.ts';
import { QueueHands } from '../../src/sweep/hands/queueHands.ts';
import { ThreadHands } from '../../src/sweep/hands/threadHands.ts';
import { openServer } from '../../src/sweep/queue/connection.ts';
import { serve } from '../../src/sweep/queue/serve.ts';
import type { HandsParts } from '../../src/sweep/runSweep.ts';
import { SweepDirectory } from '../../src/sweep/sweepDirectory.ts';
import { readSweep } from '../../src/sweep/sweepFile.ts';
import { workplace } from '../endToEnd/commandLine.ts';
import { startServer, withoutServer } from '../endToEnd/redisServer.ts';

const program = 'of the test';
const place = workplace();
after(() => place[Symbol.dispose]());

/** A way to have trials trained, and what ends everything that it takes. */
type Open = (parts: HandsParts) => Promise<{ readonly hands: Hands; readonly close: () => Promise<void> }>;

const open: Record<string, { readonly skip: string | false; readonly open: Open }> = {
  threadHands: {
    skip: false,
    async open({ read, directory }) {
      const { path: folder, record } = directory;
      const own = { trials: read.trials, directory: folder, folder: record.folder };
      const hands = new ThreadHands({ ...own, jobs: 2, memory: 8e9, reportOf: () => null });
      return { hands, close: () => hands.close() };
    },
  },
  queueHands: {
    skip: withoutServer,
    async open(parts) {
      const server = await startServer(place.folder);
      const redis = await openServer(`redis://127.0.0.1:${server.port}`, () => {});
      const hands = new QueueHands(parts, redis);
      const stop = new AbortController();
      const folder = path.join(parts.directory.path, 'worker');
      const options = { server: redis, program, jobs: 2, memory: 8e9, folder, lockSeconds: 30, told: () => {} };
      const worker = serve({ ...options, signal: stop.signal });
      return {
        hands,
        async close() {
          stop.abort();
          await worker;
          await hands.close();
          await server.stop();
        },
      };
    },
  },
};

const base = {
  name: 'adding',
  data: { kind: 'task', name: 'adding', length: 8, trainSequences: 100, validationSequences: 50 },
  model: { cell: 'rnn', hiddenSize: 4 },
  training: { updates: 12, batchSize: 10, monitors: [] },
};

let sweeps = 0;

/** A sweep that nobody has worked at. */
function partsOf(axes: object, training: object = {}): HandsParts {
  const name = `sweep${sweeps++}`;
  const file = place.write(`${name}.json`, { name, verdicts: false, base: { ...base, training: { ...base.training, ...training } }, axes });
  const read = readSweep(file);
  const { trials, folder, sweep } = read;
  const about = { program, name, folder: path.resolve(folder), sweep, files: [] };
  const counts = { trials: trials.count, settings: trials.plan.settings, seeds: trials.seeds.length };
  return { directory: SweepDirectory.create(place.path(name), { ...about, ...counts }), program, read, reports: {} };
}

/** Keeps what is told, and may do something at the beginning of a job. */
class Told implements HandsWatcher {
  readonly begins: TrialJob[] = [];
  readonly ends = new Map<string, TrialAnswer>();
  readonly #onBegin: () => void;

  constructor(onBegin: () => void = () => {}) {
    this.#onBegin = onBegin;
  }
  begun(job: TrialJob): void {
    assert.ok(this.awaits(job));
    this.begins.push(job);
    this.#onBegin();
  }
  at({ trial }: TrialJob, update: number): void {
    assert.ok(trial >= 0 && update >= 0);
  }
  died(_: TrialJob, because: string): void {
    assert.fail(because);
  }
  ended(job: TrialJob, answer: TrialAnswer): void {
    assert.ok(this.awaits(job), 'a job ends once');
    this.ends.set(`${job.trial} ${job.updates}`, answer);
  }
  awaits({ trial, updates }: TrialJob): boolean {
    return !this.ends.has(`${trial} ${updates}`);
  }
  kept(): void {}
  noted(): void {}
}

const never = new AbortController().signal;
const runOf = ({ directory, read }: HandsParts, trial: number) => path.join(directory.path, read.trials.run(trial));
const weightsOf = (run: string) => readFileSync(path.join(run, 'checkpoint.safetensors'));

const backend = await wasmBackend();
const trainings = new Map<string, Promise<Buffer>>();

/** The weights of a training by itself, made once for all hands. */
function aloneOf(experiment: Experiment): Promise<Buffer> {
  const name = JSON.stringify(experiment.training) + JSON.stringify(experiment.model);
  const run = place.path(`alone${trainings.size}`);
  const train = () => trainRun({ source: { experiment, folder: place.folder, runPath: run }, backend, reason: 'a test' });
  const found = trainings.get(name) ?? train().then(() => weightsOf(run));
  trainings.set(name, found);
  return found;
}

test('everything in the folder is held to the contract', () => {
  const files = readdirSync(new URL('../../src/sweep/hands', import.meta.url)).map((file) => file.replace('.ts', ''));
  assert.deepEqual(files.sort(), ['hands', ...Object.keys(open)].sort());
});

for (const [name, { skip, open: opened }] of Object.entries(open)) {
  describe(name, { skip, timeout: 300_000 }, () => {
    test('each job is begun and ends, and its run, where the trials say, has the weights of a training by itself', async () => {
      const parts = partsOf({ 'model.cell': ['rnn', 'gru'], 'training.seed': { seeds: 2 } });
      const { hands, close } = await opened(parts);
      try {
        assert.ok(hands.name.length > 0);
        const told = new Told();
        const jobs = [3, 0, 2, 1].map((trial) => ({ trial, updates: null }));
        await hands.work(jobs, told, never);
        assert.deepEqual(told.begins.map(({ trial }) => trial).sort(), [0, 1, 2, 3]);
        assert.equal(told.ends.size, 4);
        for (const { trial } of jobs) {
          const answer = told.ends.get(`${trial} null`);
          assert.ok(answer?.outcome === 'done' && !answer.explosion && answer.verdict === null);
          const { record } = RunDirectory.open(runOf(parts, trial));
          const { loss } = record.result as { loss: { validation: number } };
          assert.deepEqual([answer.updates, answer.loss, record.status, record.seed], [12, loss.validation, 'done', trial % 2]);
        }
        assert.ok(weightsOf(runOf(parts, 2)).equals(await aloneOf(parts.read.trials.experiment(2))));
      } finally {
        await close();
      }
    });

    test('to the end of a rung, with the loss there, and on from it: the weights of one that never paused', async () => {
      const parts = partsOf({ 'training.seed': { seeds: 1 }, 'training.learningRate': [0.01] });
      const { hands, close } = await opened(parts);
      try {
        const told = new Told();
        await hands.work([{ trial: 0, updates: 5 }], told, never);
        const paused = told.ends.get('0 5');
        assert.ok(paused?.outcome === 'reached' && paused.updates === 5 && Number(paused.loss) > 0);
        await hands.work([{ trial: 0, updates: null }], told, never);
        assert.equal(told.ends.get('0 null')?.outcome, 'done');
      } finally {
        await close();
      }
      assert.ok(weightsOf(runOf(parts, 0)).equals(await aloneOf(parts.read.trials.experiment(0))));
    });

    test('a trial that cannot be trained has failed, with a code and a sentence, and the others come to their end', async () => {
      const parts = partsOf({ 'training.memory': ['100B', '100MB'] });
      const { hands, close } = await opened(parts);
      try {
        const told = new Told();
        await hands.work(
          [0, 1].map((trial) => ({ trial, updates: null })),
          told,
          never,
        );
        const [small, large] = [0, 1].map((trial) => told.ends.get(`${trial} null`));
        assert.ok(small?.outcome === 'failed' && small.code !== null && /memory/.test(small.because), JSON.stringify(small));
        assert.equal(large?.outcome, 'done');
      } finally {
        await close();
      }
    });

    test('stopped, what is at hand can be gone on with: it ends once, with the weights of one that never was', async () => {
      const training = { updates: 1000 };
      const parts = partsOf({ 'training.seed': { seeds: 2 } }, training);
      const { hands, close } = await opened(parts);
      try {
        const stop = new AbortController();
        const told = new Told(() => stop.abort());
        const jobs = [0, 1].map((trial) => ({ trial, updates: null }));
        await hands.work(jobs, told, stop.signal);
        assert.ok(told.ends.size < 2, 'it was stopped before its end');
        const left = jobs.filter((job) => told.awaits(job));
        await hands.work(left, told, never);
        for (const { trial } of jobs) assert.equal(told.ends.get(`${trial} null`)?.outcome, 'done');
      } finally {
        await close();
      }
      assert.ok(weightsOf(runOf(parts, 0)).equals(await aloneOf(parts.read.trials.experiment(0))));
    });
  });
}
