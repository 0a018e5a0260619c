/** Sweeps over a real server that lose something: a worker its memory, the server all that it held. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SweepResult } from '../../src/sweep/runSweep.ts';
import { eachTrialEvent } from '../../src/sweep/sweepDirectory.ts';
import type { TrialEvent } from '../../src/sweep/trialEvents.ts';
import { throughtime, workplace } from './commandLine.ts';
import { startServer, withoutServer } from './redisServer.ts';

const main = path.resolve(import.meta.dirname, '../../src/cli/main.ts');

/** A worker as a process of its own, and what ends it. */
function worker(...args: string[]): () => Promise<string> {
  const child = spawn(process.execPath, [main, 'worker', '--jobs', '1', '--lock', '4', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<string>((resolve) => child.once('close', () => resolve(said)));
  return () => {
    child.kill('SIGINT');
    return ended;
  };
}

const eventsOf = (sweep: string): TrialEvent[] => {
  const events: TrialEvent[] = [];
  const file = path.join(sweep, 'trials.jsonl');
  if (existsSync(file)) eachTrialEvent(file, (event) => events.push(event));
  return events;
};
const doneOf = (sweep: string) => eventsOf(sweep).flatMap((event) => (event.event === 'done' ? [event.trial] : []));

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(20);
}

describe('a sweep over a queue', { skip: withoutServer, timeout: 900_000 }, () => {
  test('a trial that takes more than its share of a worker’s memory has failed with a sentence, and the worker goes on with the others', async () => {
    using place = workplace();
    // Its states alone: 20,000 steps x 64 sequences x 64 units x 6 arrays x 4 bytes are 2 GB.
    const sweep = place.write('sweep.json', {
      name: 'large',
      verdicts: false,
      base: {
        name: 'large',
        data: { kind: 'task', name: 'adding', length: 10, trainSequences: 64, validationSequences: 10 },
        model: { cell: 'gru', hiddenSize: 64 },
        training: { updates: 3, batchSize: 64, monitors: [] },
      },
      axes: { 'data.length': [10, 20_000, 12] },
    });
    const server = await startServer(place.folder);
    const redis = `redis://127.0.0.1:${server.port}`;
    const end = worker('--redis', redis, '--memory', '400MB');
    try {
      const { code, stdout, stderr } = await throughtime(['sweep', sweep, '--out', place.path('out'), '--redis', redis, '--json']);
      assert.equal(code, 0, stderr);
      const { trials } = JSON.parse(stdout) as SweepResult;
      assert.deepEqual([trials.done, trials.failed, trials.waiting], [2, 1, 0]);
      const failed = eventsOf(place.path('out')).filter((event) => event.event === 'failed');
      assert.equal(failed.length, 1);
      assert.deepEqual([failed[0].trial, failed[0].code], [1, 'MEMORY_EXHAUSTED']);
      assert.match(failed[0].because, /took more than its share of the memory, 400 MB; give a larger --memory, or fewer --jobs/);
      assert.match(await end(), /Trial 1 of large: failed, .*share of the memory/);
    } finally {
      await end();
      await server.stop();
    }
  });

  test('a server that comes back empty: it is said, and every trial is there once, with the weights of the embedded run', async () => {
    using place = workplace();
    const sweep = place.write('sweep.json', {
      name: 'empty',
      verdicts: false,
      base: {
        name: 'empty',
        data: { kind: 'task', name: 'adding', length: 20, trainSequences: 500, validationSequences: 100 },
        model: { cell: 'rnn', hiddenSize: 16 },
        training: { updates: 150, batchSize: 16, monitors: [] },
      },
      axes: { 'training.seed': { seeds: 16 } },
    });
    const [alone, out] = [place.path('alone'), place.path('out')];
    const embedded = await throughtime(['sweep', sweep, '--out', alone, '--json']);
    assert.equal(embedded.code, 0, embedded.stderr);
    const server = await startServer(place.folder);
    const redis = `redis://127.0.0.1:${server.port}`;
    const ends = [0, 1].map(() => worker('--redis', redis));
    try {
      const following = throughtime(['sweep', sweep, '--out', out, '--redis', redis, '--json']);
      await until(() => doneOf(out).length >= 3);
      let before = 0;
      await server.restart(0, () => {
        rmSync(place.path('appendonlydir'), { recursive: true });
        before = doneOf(out).length;
      });
      const { code, stdout, stderr } = await following;
      assert.equal(code, 0, stderr);
      assert.ok(before < 16, 'it happened in the middle');
      assert.match(stderr, /^The queue at 127\.0\.0\.1:\d+ has lost the sweep; what is left of it is submitted again\.$/m);
      const answer = JSON.parse(stdout) as SweepResult;
      assert.deepEqual(answer.trials, { count: 16, done: 16, failed: 0, leftOut: 0, waiting: 0 });
      assert.deepEqual(answer.table, (JSON.parse(embedded.stdout) as SweepResult).table);
      assert.deepEqual(
        doneOf(out).sort((a, b) => a - b),
        Array.from({ length: 16 }, (_, trial) => trial),
      );
      const runs = readdirSync(path.join(alone, 'trials'));
      assert.deepEqual([runs.length, readdirSync(path.join(out, 'trials'))], [16, runs]);
      for (const run of runs) {
        const [mine, other] = [alone, out].map((folder) => readFileSync(path.join(folder, 'trials', run, 'checkpoint.safetensors')));
        assert.ok(mine.equals(other), `trial ${run}`);
      }
    } finally {
      for (const end of ends) await end();
      await server.stop();
    }
  });
});
