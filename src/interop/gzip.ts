import { showBytes } from '../compute/bytes.ts';
import type { ByteSource } from '../data/byteSource.ts';
import { ThroughtimeError } from '../errors.ts';

/** Whether bytes begin as those of a gzip file do (RFC 1952); no text in UTF-8 does. */
export function isGzip(source: ByteSource): boolean {
  if (source.size < 2) return false;
  const begin = new Uint8Array(2);
  source.read(0, begin, 2);
  return begin[0] === 0x1f && begin[1] === 0x8b;
}

/**
 * Refuses a file that says itself that it unpacks to more than it may, before any of it is unpacked. It says so in its last four bytes, modulo
 * 2^32; where that is a lie, `gunzip` finds out.
 *
 * @throws DATA_INVALID
 */
export function checkDeclaredSize(source: ByteSource, file: string, most: number): void {
  if (source.size < 18) return;
  const end = new Uint8Array(4);
  source.read(source.size - 4, end, 4);
  if (new DataView(end.buffer).getUint32(0, true) > most) throw tooLarge(file, source.size, most);
}

/** Bytes that a small file may unpack to whatever its ratio, and how many times its size a larger one may. */
const alwaysAllowed = 16 * 2 ** 20;
const mostTimes = 50;

/**
 * The most bytes that a compressed file may unpack to, where nothing else is said: 50 times its own, and 16 MiB at least. Deflate could
 * make a thousand times as many; tables and texts become two to thirty times smaller.
 */
export function mostUnpacked(size: number): number {
  return Math.max(alwaysAllowed, mostTimes * size);
}

/** The error of a file that unpacks to more than it may. */
export function tooLarge(file: string, size: number, most: number): ThroughtimeError {
  const sentence = `has ${showBytes(size)} and unpacks to more than ${showBytes(most)}, the most that is allowed; if that is right, give data.unpacked as much as it takes, or unpack the file`;
  return new ThroughtimeError('DATA_INVALID', sentence, { file });
}

/**
 * Unpacks a gzip file piece by piece, by the platform's own DecompressionStream.
 *
 * @param pieces its bytes, cut anywhere.
 * @param options.file its name, for errors; `size` its bytes; `most` how many bytes may come out of it.
 * @throws DATA_INVALID where it is damaged, cut off, or unpacks to more than `most` bytes, which are never made; what `pieces` throws.
 */
export async function* gunzip(
  pieces: AsyncIterable<Uint8Array>,
  { file, size, most = mostUnpacked(size) }: { readonly file: string; readonly size: number; readonly most?: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = pieces[Symbol.asyncIterator]();
  /** What reading the pieces threw, which the stream would tell in its own words. */
  let failed: { readonly cause: unknown } | undefined;
  const packed = new ReadableStream<BufferSource>({
    async pull(controller) {
      try {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value as Uint8Array<ArrayBuffer>);
      } catch (cause) {
        failed = { cause };
        controller.error(cause);
      }
    },
    async cancel() {
      await iterator.return?.();
    },
  });
  const reader = packed.pipeThrough(new DecompressionStream('gzip')).getReader();
  let unpacked = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      unpacked += value.length;
      if (unpacked > most) throw tooLarge(file, size, most);
      yield value;
    }
  } catch (cause) {
    if (failed) throw failed.cause;
    if (cause instanceof ThroughtimeError) throw cause;
    const joined = /trailing/i.test(String(cause));
    const sentence = joined
      ? `must be one gzip file, got more bytes behind its end at ${unpacked} unpacked bytes; unpack it, and pack it as one`
      : `must be a whole gzip file, got one that is damaged or cut off within 64 kB after ${unpacked} unpacked bytes; take another copy of it`;
    throw new ThroughtimeError('DATA_INVALID', sentence, { file }, { cause });
  } finally {
    await reader.cancel().catch(() => {});
    await iterator.return?.();
  }
}
