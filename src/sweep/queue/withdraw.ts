import type { Redis } from 'ioredis';
import { dataKeyOf, keysOf, sweepsKey } from './keys.ts';
import type { OfferedFile } from './messages.ts';

/**
 * Takes a sweep out of the server: a worker that takes one of its jobs drops it, and one that trains a trial of it stops. Data files go with the last
 * sweep.
 */
export async function withdraw(redis: Redis, id: string, files: readonly Pick<OfferedFile, 'sha256'>[]): Promise<void> {
  const keys = keysOf(id);
  await redis.srem(sweepsKey, id);
  if (files.length > 0 && (await redis.scard(sweepsKey)) === 0) await redis.unlink(...files.map(({ sha256 }) => dataKeyOf(sha256)));
  await redis.unlink(keys.sweep, keys.messages, keys.finished, keys.at);
  let cursor = '0';
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', `${keys.sweep}:files:*`, 'COUNT', 1000);
    if (found.length > 0) await redis.unlink(...found);
    cursor = next;
  } while (cursor !== '0');
}
