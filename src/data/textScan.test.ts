import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Backend } from '../compute/backend.ts';
import { allocateBatch } from '../network/batch.ts';
import { type ByteSource, heldBytes } from './byteSource.ts';
import type { Dataset } from './dataset.ts';
import { indexedText, textData } from './text.ts';
import { type TextIndex, TextScan } from './textScan.ts';

const memory = {
  allocate: (length: number) => new Float64Array(length),
  allocateIndices: (length: number) => new Int32Array(length),
} as unknown as Backend;

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Scans bytes in pieces of the given lengths, again and again. */
function scanned(
  bytes: Uint8Array,
  pieces: readonly number[] = [bytes.length || 1],
  options: { spacing?: number; mostAnchors?: number } = {},
) {
  const scan = new TextScan({ file: 'a.txt', ...options });
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const length = pieces[piece % pieces.length];
    scan.add(bytes.subarray(at, at + length));
    at += length;
  }
  return scan.finish();
}

/** All that any window of a data set can hold. */
function everything(data: Dataset) {
  const T = data.length(0);
  const sequences = Array.from({ length: data.count }, (_, b) => b);
  const batch = allocateBatch(memory, data.input, data.target, T, data.count);
  data.copy({ sequences, begin: 0, end: T, countFrom: 0 }, batch);
  return { ...batch };
}

/** One to four bytes a character, line ends of all kinds, and marks that stand where they mean nothing. */
const character = fc.constantFrom(...'ab\r\n\ufeffé߿ࠀ世\uffff😀\u{10000}\0');
const text = fc.array(character, { minLength: 10, maxLength: 120 }).map((characters) => characters.join(''));
const ascii = fc.array(fc.constantFrom(...'ab\r\nz'), { minLength: 10, maxLength: 120 }).map((characters) => characters.join(''));
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

describe('a text that is left where it is', () => {
  test('gives the data sets of the same text in memory, however it is cut, and however far its anchors are apart', () => {
    fc.assert(
      fc.property(
        fc.oneof(text, ascii),
        fc.boolean(),
        cuts,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 2, max: 9 }),
        fc.double({ min: 0.3, max: 0.7, noNaN: true }),
        (content, mark, pieces, spacing, mostAnchors, split) => {
          content = (mark ? '\ufeff' : '') + content;
          const bytes = utf8(content);
          const whole = textData(content, { split });
          const index = scanned(bytes, pieces, { spacing, mostAnchors });
          const left = indexedText(heldBytes(bytes), index, { split });
          assert.deepEqual([left.alphabet, left.size], [whole.alphabet, whole.size]);
          assert.ok(index.anchors.length <= mostAnchors);
          for (const B of [1, 2]) {
            const [expected, actual] = [whole.streams(B), left.streams(B)];
            assert.deepEqual(actual.description, expected.description);
            for (const part of ['train', 'validation'] as const) {
              assert.deepEqual(everything(actual[part]), everything(expected[part]));
            }
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test('any window is read alone as it is read with the whole', () => {
    const content = 'Über 世界 😀\u{10ffff}: the gradient.\r\n'.repeat(40);
    const bytes = utf8(content);
    const reference = textData(content).streams(3).train;
    const index = scanned(bytes, [7], { spacing: 4, mostAnchors: 16 });
    assert.ok(index.spacing > 64);
    const data = indexedText(heldBytes(bytes), index).streams(3).train;
    fc.assert(
      fc.property(fc.nat(data.length(0) - 1), fc.nat(20), fc.nat(20), (begin, steps, skipped) => {
        const [expected, actual] = [reference, data].map((each) => {
          const batch = allocateBatch(memory, each.input, each.target, steps, 2);
          each.copy({ sequences: [2, 0], begin, end: begin + steps, countFrom: begin + skipped }, batch);
          return { ...batch };
        });
        assert.deepEqual(actual, expected);
      }),
    );
  });

  test('what is too short or not allowed is refused in the same words', () => {
    const refusal = (run: () => unknown) => {
      try {
        run();
      } catch (error) {
        return (error as Error).message;
      }
      return assert.fail('was accepted');
    };
    const left = (content: string, options: object) => indexedText(heldBytes(utf8(content)), scanned(utf8(content)), options);
    for (const content of ['', '\ufeff', 'abc', 'ab😀']) {
      const options = { file: 'a.txt' };
      assert.equal(
        refusal(() => left(content, options)),
        refusal(() => textData(content, options)),
      );
    }
    assert.equal(
      refusal(() => left('abcdefgh', { split: 2 })),
      refusal(() => textData('abcdefgh', { split: 2 })),
    );
    const [whole, other] = [textData('abcdefgh', { split: 0.5 }), left('abcdefgh', { split: 0.5 })];
    for (const [B, window] of [
      [4, 1],
      [0, 1],
      [2, 3],
    ]) {
      assert.equal(
        refusal(() => other.streams(B, window)),
        refusal(() => whole.streams(B, window)),
      );
    }
  });

  test('bytes are refused where they are not UTF-8, and only there', () => {
    const isUtf8 = (bytes: Uint8Array) => {
      try {
        new TextDecoder('utf-8', { fatal: true }).decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    // Over-long forms, halves of surrogate pairs, what lies beyond U+10FFFF, and characters cut off.
    const byte = fc.constantFrom(
      0x41,
      0x80,
      0xbf,
      0xc0,
      0xc1,
      0xc3,
      0xa9,
      0xe0,
      0xa0,
      0xed,
      0x9f,
      0xef,
      0xbb,
      0xf0,
      0x90,
      0xf4,
      0x8f,
      0xf5,
      0xff,
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 8 }),
        fc.array(byte, { minLength: 1, maxLength: 6 }),
        cuts,
        (any, likely, pieces) => {
          for (const bytes of [any, Uint8Array.from(likely)]) {
            if (isUtf8(bytes)) scanned(bytes, pieces);
            else assert.throws(() => scanned(bytes, pieces), { code: 'DATA_INVALID', message: /^a\.txt: must be text in UTF-8/ });
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test('anchors lie at the bytes of every so manieth character, in bounded memory', () => {
    const content = 'aé世😀'.repeat(250);
    for (const mostAnchors of [2, 3, 4, 7, 64, 1000]) {
      const { characters, spacing, anchors }: TextIndex = scanned(utf8(content), [13], { spacing: 1, mostAnchors });
      assert.equal(characters, 1000);
      assert.ok(anchors.length <= mostAnchors);
      assert.equal(anchors.length, Math.ceil(characters / spacing));
      assert.ok(spacing <= Math.max(1, (4 * characters) / mostAnchors), `${spacing}`);
      const points = [...content];
      for (const [i, anchor] of anchors.entries()) assert.equal(anchor, utf8(points.slice(0, i * spacing).join('')).length);
    }
  });

  test('a window takes no more bytes than lie between the anchors around it', () => {
    const content = 'é'.repeat(10_000);
    const bytes = utf8(content);
    let most = 0;
    const counted: ByteSource = {
      ...heldBytes(bytes),
      read(position, into, length) {
        most = Math.max(most, length);
        into.set(bytes.subarray(position, position + length));
      },
    };
    const data = indexedText(counted, scanned(bytes, [4096], { spacing: 64 })).streams(2).train;
    const batch = allocateBatch(memory, data.input, data.target, 10, 2);
    for (let begin = 0; begin < 4000; begin += 7) data.copy({ sequences: [0, 1], begin, end: begin + 10, countFrom: begin }, batch);
    // Eleven characters, and up to 63 before and after them.
    assert.ok(most <= 2 * (11 + 2 * 63), `${most}`);
  });

  test('a character that the text did not have when it was scanned is an error, not a number', () => {
    const bytes = utf8('abcabcabcabc');
    const data = indexedText(heldBytes(bytes), scanned(bytes), { split: 0.5 }).streams(1).train;
    bytes[2] = 'x'.charCodeAt(0);
    assert.throws(() => everything(data), { code: 'DATA_CHANGED' });
  });
});
