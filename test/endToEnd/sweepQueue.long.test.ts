/** Sweeps over a real server: workers that are killed, a server that is restarted, disks that are full, data that differ. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openServer } from '../../src/sweep/queue/connection.ts';
import { serve } from '../../src/sweep/queue/serve.ts';
import type { TrialEvent } from '../../src/sweep/trialEvents.ts';
import { type Finished, throughtime, workplace } from './commandLine.ts';
import { freePort, startServer, withoutServer } from './redisServer.ts';

const main = path.resolve(import.meta.dirname, '../../src/cli/main.ts');

const base = (updates: number, length = 20) => ({
  name: 'adding',
  data: { kind: 'task', name: 'adding', length, trainSequences: 500, validationSequences: 100 },
  model: { cell: 'rnn', hiddenSize: 16 },
  training: { updates, batchSize: 16, monitors: [] },
});

/** A worker as a process of its own. */
function worker(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { child: ChildProcess; ended: Promise<{ code: number | null; stderr: string }> } {
  const child = spawn(process.execPath, [main, 'worker', '--jobs', '1', '--lock', '4', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => child.once('close', (code) => resolve({ code, stderr })));
  return { child, ended };
}

async function ended(workers: readonly ReturnType<typeof worker>[]): Promise<void> {
  for (const { child } of workers) child.kill('SIGINT');
  await Promise.all(workers.map((each) => each.ended));
}

const events = (sweep: string): TrialEvent[] => {
  const file = path.join(sweep, 'trials.jsonl');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as TrialEvent);
};
const doneOf = (sweep: string) => events(sweep).filter(({ event }) => event === 'done');

/** Waits until something is so; a test that never comes there ends by its own timeout. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(50);
}

const checkpointOf = (sweep: string, run: string) => readFileSync(path.join(sweep, run, 'checkpoint.safetensors'));

function assertSameWeights(one: string, other: string): void {
  const runs = readdirSync(path.join(one, 'trials'));
  assert.deepEqual(readdirSync(path.join(other, 'trials')), runs);
  for (const run of runs) {
    const same = checkpointOf(one, `trials/${run}`).equals(checkpointOf(other, `trials/${run}`));
    assert.ok(same, `the weights of trial ${run} are others`);
  }
}

const answerOf = ({ code, stdout, stderr }: Finished) => {
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as { table: unknown[]; trials: Record<string, number> };
};

describe('a sweep over a queue', { skip: withoutServer, timeout: 900_000 }, () => {
  test('60 trials, two of three workers killed, the server restarted: each is there once, with the weights and the table of the embedded run', async () => {
    using place = workplace();
    const sweep = place.write('sweep.json', {
      name: 'sixty',
      verdicts: false,
      base: base(150),
      axes: {
        'model.cell': ['rnn', 'gru'],
        'training.learningRate': { logRange: [1e-3, 1e-1], count: 6 },
        'training.seed': { seeds: 5 },
      },
    });
    const [alone, shared] = [place.path('alone'), place.path('queue')];
    const embedded = answerOf(await throughtime(['sweep', sweep, '--out', alone, '--json']));
    const server = await startServer(place.folder);
    const redis = `redis://127.0.0.1:${server.port}`;
    const workers = [0, 1, 2].map(() => worker(['--redis', redis]));
    try {
      const following = throughtime(['sweep', sweep, '--out', shared, '--redis', redis, '--json']);
      const counts: number[] = [];
      for (const [at, what] of [
        [8, () => workers[0].child.kill('SIGKILL')],
        [16, () => server.restart(1500)],
        [24, () => workers[1].child.kill('SIGKILL')],
      ] as const) {
        await until(() => doneOf(shared).length >= at);
        counts.push(doneOf(shared).length);
        await what();
      }
      const answer = answerOf(await following);
      assert.ok(
        counts.every((count) => count < 60),
        `each of it happened in the middle: ${counts}`,
      );
      assert.deepEqual(answer.table, embedded.table);
      assert.deepEqual(answer.trials, { count: 60, done: 60, failed: 0, leftOut: 0, waiting: 0 });
      const done = doneOf(shared).map(({ trial }) => trial);
      assert.deepEqual(
        done.sort((a, b) => a - b),
        Array.from({ length: 60 }, (_, trial) => trial),
      );
      assertSameWeights(alone, shared);
    } finally {
      await ended(workers);
      await server.stop();
    }
  });

  test('successive halving, by two workers that share the folder or not: the choices of the embedded run', async () => {
    using place = workplace();
    const sweep = place.write('sweep.json', {
      name: 'halving',
      verdicts: false,
      base: base(180),
      axes: { 'training.learningRate': { logRange: [1e-4, 1] }, 'training.seed': { seeds: 2 } },
      search: { halving: { start: 20, factor: 3, budget: 2000 } },
    });
    const alone = place.path('alone');
    const embedded = answerOf(await throughtime(['sweep', sweep, '--out', alone, '--json']));
    const server = await startServer(place.folder);
    const redis = `redis://127.0.0.1:${server.port}`;
    try {
      for (const name of ['sent', 'shared']) {
        const workers = [0, 1].map(() => worker(['--redis', redis, ...(name === 'shared' ? ['--shared', place.folder] : [])]));
        const answer = answerOf(await throughtime(['sweep', sweep, '--out', place.path(name), '--redis', redis, '--json']));
        await ended(workers);
        assert.deepEqual(answer.table, embedded.table, name);
        assertSameWeights(alone, place.path(name));
      }
    } finally {
      await server.stop();
    }
  });

  test('with a shared folder, a trial whose worker is killed goes on from its checkpoint with another', async () => {
    using place = workplace();
    const sweep = place.write('sweep.json', { name: 'long', verdicts: false, base: base(6000, 60), axes: {} });
    const [alone, shared] = [place.path('alone'), place.path('queue')];
    const server = await startServer(place.folder);
    const redis = `redis://127.0.0.1:${server.port}`;
    const first = worker(['--redis', redis, '--shared', place.folder]);
    const workers = [first];
    try {
      const following = throughtime(['sweep', sweep, '--out', shared, '--redis', redis, '--json']);
      await until(() => existsSync(path.join(shared, 'trials/0/checkpoint.safetensors')));
      first.child.kill('SIGKILL');
      const killed = Date.now();
      workers.push(worker(['--redis', redis, '--shared', place.folder]));
      answerOf(await following);
      const record = JSON.parse(readFileSync(path.join(shared, 'trials/0/run.json'), 'utf8')) as { started: string };
      assert.ok(Date.parse(record.started) < killed, 'the run is the one that was begun before');
      assert.equal(events(shared).filter(({ event }) => event === 'begun').length, 2);
      await throughtime(['sweep', sweep, '--out', alone, '--json']);
      assertSameWeights(alone, shared);
    } finally {
      await ended(workers);
      await server.stop();
    }
  });

  test('a follower that is stopped, and one that is killed, find what came meanwhile', async () => {
    using place = workplace();
    const sweep = place.write('sweep.json', {
      name: 'follow',
      verdicts: false,
      base: base(1500),
      axes: { 'training.seed': { seeds: 12 } },
    });
    const out = place.path('queue');
    const server = await startServer(place.folder);
    const args = ['sweep', sweep, '--out', out, '--redis', `redis://127.0.0.1:${server.port}`, '--json'];
    const workers = [worker(['--redis', `redis://127.0.0.1:${server.port}`])];
    try {
      for (const signal of ['SIGINT', 'SIGKILL'] as const) {
        const before = doneOf(out).length;
        const { stderr } = await throughtime(args, { when: () => doneOf(out).length >= before + 3, signal });
        if (signal === 'SIGINT') assert.match(stderr, /trials stay in the queue/);
        assert.ok(doneOf(out).length >= before + 3 && doneOf(out).length < 12);
      }
      const answer = answerOf(await throughtime(args));
      assert.equal(answer.trials.done, 12);
      assert.equal(doneOf(out).length, 12);
    } finally {
      await ended(workers);
      await server.stop();
    }
  });

  test('a wrong password, and none, are said in a sentence; the right one is in no file and no line', async () => {
    using place = workplace();
    const sweep = place.write('sweep.json', { name: 'secret', verdicts: false, base: base(10), axes: { 'training.seed': { seeds: 2 } } });
    const server = await startServer(place.folder, ['--requirepass', 'correct-horse']);
    const name = `127.0.0.1:${server.port}`;
    const out = place.path('queue');
    try {
      const wrong = await throughtime(['sweep', sweep, '--out', out, '--redis', `redis://:battery-staple@${name}`]);
      assert.equal(wrong.code, 2);
      assert.match(wrong.stderr, /the queue at 127\.0\.0\.1:\d+ refuses the password; correct it/);
      assert.doesNotMatch(wrong.stderr, /battery-staple/);
      const none = await throughtime(['worker', '--redis', `redis://${name}`]);
      assert.equal(none.code, 2);
      assert.match(none.stderr, /asks for a password; give it/);
      const right = worker(['--redis', `redis://${name}`], { THROUGHTIME_REDIS_PASSWORD: 'correct-horse' });
      const finished = await throughtime(['sweep', sweep, '--out', out, '--redis', `redis://:correct-horse@${name}`, '--json']);
      answerOf(finished);
      right.child.kill('SIGINT');
      const { stderr } = await right.ended;
      for (const said of [finished.stderr, finished.stdout, stderr]) assert.doesNotMatch(said, /correct-horse/);
      for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        assert.ok(!readFileSync(path.join(entry.parentPath, entry.name)).includes('correct-horse'), entry.name);
      }
    } finally {
      await server.stop();
    }
  });

  test('over TLS, with an authority of its own', async (context) => {
    using place = workplace();
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const made = spawnSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', 'key.pem', '-out', 'cert.pem', ...subject],
      { cwd: place.folder },
    );
    if (made.status !== 0) return context.skip('openssl, which makes the certificate, is not there');
    const sweep = place.write('sweep.json', { name: 'tls', verdicts: false, base: base(10), axes: { 'training.seed': { seeds: 2 } } });
    const tls = ['--tls-cert-file', place.path('cert.pem'), '--tls-key-file', place.path('key.pem'), '--tls-auth-clients', 'no'];
    const port = await freePort();
    const server = await startServer(place.folder, ['--tls-port', String(port), ...tls]);
    const env = { NODE_EXTRA_CA_CERTS: place.path('cert.pem') };
    const redis = `rediss://127.0.0.1:${port}`;
    const args = ['sweep', sweep, '--out', place.path('queue'), '--json', '--redis'];
    const one = worker(['--redis', redis], env);
    try {
      const unknown = await throughtime([...args, redis]);
      assert.equal(unknown.code, 2);
      assert.match(unknown.stderr, /its certificate is signed by (itself|an unknown authority); name .* in NODE_EXTRA_CA_CERTS/);
      assert.equal(answerOf(await throughtime([...args, redis], { env })).trials.done, 2);
    } finally {
      await ended([one]);
      await server.stop();
    }
  });

  test('data go through the queue; a worker whose data differ, or whose disk is full, or of another version, ends, and loses nothing', async (context) => {
    using place = workplace();
    mkdirSync(place.path('data'));
    const text = 'the quick brown fox jumps over the lazy dog. '.repeat(300);
    writeFileSync(place.path('data/text.txt'), text);
    const sweep = place.write('sweep.json', {
      name: 'text',
      verdicts: false,
      base: {
        name: 'text',
        data: { kind: 'text', path: 'data/text.txt' },
        model: { cell: 'gru', hiddenSize: 16 },
        training: { updates: 60, batchSize: 4, monitors: [] },
      },
      axes: { 'training.seed': { seeds: 3 } },
    });
    const out = place.path('queue');
    const server = await startServer(place.folder);
    const redis = `redis://127.0.0.1:${server.port}`;
    const following = throughtime(['sweep', sweep, '--out', out, '--redis', redis, '--json']);
    try {
      mkdirSync(place.path('other/data'), { recursive: true });
      writeFileSync(place.path('other/data/text.txt'), text.replace('fox', 'cat'));
      const differs = await worker(['--redis', redis, '--data', place.path('other')]).ended;
      assert.equal(differs.code, 2);
      assert.match(
        differs.stderr,
        /the data file \S+text\.txt has other contents than data\/text\.txt of the sweep \(\w{12}, not \w{12}\); bring it there/,
      );

      const opened = await openServer(redis, () => {});
      const older = { server: opened, program: '0.0.1', jobs: 1, memory: 1e9, folder: place.path('old'), lockSeconds: 4 };
      await assert.rejects(serve({ ...older, signal: new AbortController().signal, told: () => {} }), {
        code: 'QUEUE_REFUSED',
        message: /the sweep text was submitted by version [\d.]+, and this worker is version 0\.0\.1; install the same on all machines/,
      });

      const disk = place.path('disk');
      mkdirSync(disk);
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48k', 'tmpfs', disk]).status === 0) {
        try {
          const full = await worker(['--redis', redis, '--folder', disk]).ended;
          assert.equal(full.code, 2);
          assert.match(full.stderr, /cannot be written: the disk is full; make room or choose another place/);
        } finally {
          spawnSync('umount', [disk]);
        }
      } else context.diagnostic('a disk that is full is not tried: a small file system cannot be mounted by this user');
      assert.equal(doneOf(out).length, 0);

      // From here on nobody has the file but the server.
      renameSync(place.path('data/text.txt'), place.path('kept.txt'));
      const good = worker(['--redis', redis]);
      const finished = await following;
      good.child.kill('SIGINT');
      await good.ended;
      assert.equal(answerOf(finished).trials.done, 3);
      assert.match(finished.stderr, /has ended, and its trials are back in the queue: the data file/);
      assert.match(finished.stderr, /has ended, and its trials are back in the queue: the sweep text was submitted by version/);
      renameSync(place.path('kept.txt'), place.path('data/text.txt'));
      const alone = place.path('alone');
      answerOf(await throughtime(['sweep', sweep, '--out', alone, '--json']));
      assertSameWeights(alone, out);
      // The run names the data where they are here.
      const again = await throughtime(['train', path.join(out, 'trials/0'), '--backend', 'wasm', '--json']);
      assert.equal(again.code, 0, again.stderr);
    } finally {
      await server.stop();
    }
  });
});
