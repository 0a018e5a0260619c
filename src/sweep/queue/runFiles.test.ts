import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { Redis } from 'ioredis';
import { fetchRun, sendRun } from './runFiles.ts';

/** As much of a server as a hash takes. */
function hashServer() {
  const hashes = new Map<string, Map<string, Buffer>>();
  const get = (key: string, field: string) => hashes.get(key)?.get(field) ?? null;
  const server = {
    del: async (key: string) => Number(hashes.delete(key)),
    hset: async (key: string, field: string, value: Buffer | string) => {
      const hash = hashes.get(key) ?? new Map<string, Buffer>();
      hashes.set(key, hash.set(field, Buffer.from(value as string)));
    },
    hget: async (key: string, field: string) => get(key, field)?.toString() ?? null,
    hgetBuffer: async (key: string, field: string) => get(key, field),
  };
  return { redis: server as unknown as Redis, hashes };
}

function folderOf(context: { after(done: () => void): void }): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'throughtime-test-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a run comes through as it was, without its lock, and takes the place of what was there', async (context) => {
  const folder = folderOf(context);
  const { redis } = hashServer();
  const run = path.join(folder, 'run');
  mkdirSync(path.join(run, 'failures'), { recursive: true });
  // More than a piece of 8 MiB, and not a multiple of one.
  const large = Buffer.from(Uint32Array.from({ length: 2_500_003 }, (_, index) => Math.imul(index, 2654435761)).buffer);
  writeFileSync(path.join(run, 'checkpoint.safetensors'), large);
  writeFileSync(path.join(run, 'failures/update-1.safetensors'), 'x');
  writeFileSync(path.join(run, 'empty.jsonl'), '');
  writeFileSync(path.join(run, 'lock.json'), '{}');
  await sendRun(redis, 'key', run);
  const there = path.join(folder, 'there');
  mkdirSync(there);
  writeFileSync(path.join(there, 'old'), 'x');
  assert.equal(await fetchRun(redis, 'key', there), true);
  assert.ok(readFileSync(path.join(there, 'checkpoint.safetensors')).equals(large));
  assert.equal(readFileSync(path.join(there, 'failures/update-1.safetensors'), 'utf8'), 'x');
  assert.equal(readFileSync(path.join(there, 'empty.jsonl'), 'utf8'), '');
  assert.ok(!existsSync(path.join(there, 'lock.json')) && !existsSync(path.join(there, 'old')));
  assert.equal(await fetchRun(redis, 'other', there), false);
});

test('refused, and nothing changed: a name that leads out of the folder, and a file that is not as it was sent', async (context) => {
  const folder = folderOf(context);
  const { redis, hashes } = hashServer();
  const run = path.join(folder, 'run');
  mkdirSync(run);
  writeFileSync(path.join(run, 'run.json'), '{"a":1}');
  await sendRun(redis, 'key', run);
  const list = hashes.get('key')?.get('files')?.toString() as string;
  hashes.get('key')?.set('run.json#0', Buffer.from('{"a":2}'));
  await assert.rejects(fetchRun(redis, 'key', path.join(folder, 'there')), {
    code: 'QUEUE_REFUSED',
    message: /run\.json of a run has not come through the queue as it was sent/,
  });
  for (const name of ['../run.json', '/tmp/run.json', 'a/../../run.json']) {
    hashes.get('key')?.set('files', Buffer.from(list.replace('run.json', name)));
    await assert.rejects(fetchRun(redis, 'key', path.join(folder, 'there')), {
      code: 'QUEUE_REFUSED',
      message: /which is not one of a run/,
    });
  }
  assert.ok(!existsSync(path.join(folder, 'there')));
  assert.equal(readFileSync(path.join(run, 'run.json'), 'utf8'), '{"a":1}');
});
