import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { lockName, takeLock } from './lock.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'throughtime-lock-'));
const file = path.join(folder, lockName);
beforeEach(() => rmSync(file, { force: true }));
after(() => rmSync(folder, { recursive: true }));

/** Takes the lock and gives it back; nothing is left then. */
function taken(): void {
  takeLock(folder)();
  assert.deepEqual(readdirSync(folder), []);
}
const gone = () => spawnSync(process.execPath, ['--version']).pid;

test('only one has it, and after that another', () => {
  const release = takeLock(folder);
  assert.throws(() => takeLock(folder), { code: 'RUN_IN_USE', message: new RegExp(`is being trained by process ${process.pid}; wait`) });
  release();
  taken();
});

test('the lock of a process that is no longer there is taken over', () => {
  writeFileSync(file, JSON.stringify({ pid: gone(), host: os.hostname(), begun: null }));
  taken();
});

test('a process that was killed, and whose parent has not asked for it, is no longer there', {
  skip: process.platform !== 'linux',
}, async () => {
  // The shell becomes the long `sleep`, which never asks how the short one ended.
  const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
    writeFileSync(file, JSON.stringify({ pid: Number(pid.toString()), host: os.hostname(), begun: null }));
    while (!/\) Z /.test(readFileSync(`/proc/${Number(pid.toString())}/stat`, 'utf8')))
      await new Promise((resolve) => setTimeout(resolve, 5));
    taken();
  } finally {
    parent.kill();
  }
});

test('the pid of a process that is gone belongs to another one now', { skip: process.platform !== 'linux' }, () => {
  takeLock(folder);
  const own = JSON.parse(readFileSync(file, 'utf8')) as { begun: string };
  assert.match(own.begun, /^[\w-]{36} \d+$/);
  writeFileSync(file, JSON.stringify({ ...own, begun: `${own.begun}0` }));
  taken();
});

test('in doubt it is refused, and the file is named', () => {
  for (const [holder, message] of [
    [{ pid: process.pid, host: os.hostname(), begun: null }, /is being trained by process \d+; wait for it or stop it, or if no/],
    [{ pid: gone(), host: 'elsewhere', begun: null }, /is used by process \d+ on elsewhere, .* remove .*lock\.json/],
  ] as const) {
    writeFileSync(file, JSON.stringify(holder));
    assert.throws(() => takeLock(folder), { code: 'RUN_IN_USE', message });
    assert.ok(existsSync(file));
  }
});

test('a lock that was never written to its end: refused while it is new, taken over later', () => {
  writeFileSync(file, '{"pid":');
  assert.throws(() => takeLock(folder), { code: 'RUN_IN_USE', message: /is being taken by another process/ });
  const past = Date.now() / 1000 - 60;
  utimesSync(file, past, past);
  taken();
});

test('a lock that has become another’s is not given back', () => {
  const release = takeLock(folder);
  const other = JSON.stringify({ pid: 1, host: 'elsewhere', begun: null });
  writeFileSync(file, other);
  release();
  assert.equal(readFileSync(file, 'utf8'), other);
});
