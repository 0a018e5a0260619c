import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backend } from '../compute/backend.ts';
import { allocateBatch } from '../network/batch.ts';
import { textData, textStreams } from './text.ts';

const memory = {
  allocate: (length: number) => new Float64Array(length),
  allocateIndices: (length: number) => new Int32Array(length),
} as unknown as Backend;

test('characters are code points, the alphabet ascends and is that of the whole text', () => {
  const text = textData('\ufeffb😀aab\r\na!', { split: 0.5 });
  assert.equal(text.alphabet, '\n\r!ab😀');
  assert.equal(text.size, 6);
  assert.deepEqual([...text.train], [4, 5, 3, 3, 4]);
  assert.deepEqual([...text.validation], [1, 0, 3, 2]);
});

test('B streams: the text in order, the next character as the target, up to B - 1 characters unused', () => {
  // 9 characters: two streams of floor(8 / 2) = 4; nothing is left over but the last target.
  const data = textStreams(Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8), 2, 9);
  assert.deepEqual([data.count, data.length(0)], [2, 4]);
  const batch = allocateBatch(memory, data.input, data.target, 4, 2);
  data.copy({ sequences: [0, 1], begin: 0, end: 4, countFrom: 0 }, batch);
  assert.deepEqual([...batch.symbols], [0, 4, 1, 5, 2, 6, 3, 7]);
  assert.deepEqual([...batch.classes], [1, 5, 2, 6, 3, 7, 4, 8]);
  assert.deepEqual([...batch.rows], [0, 1, 2, 3, 4, 5, 6, 7]);
});

test('what is too short or not allowed is refused', () => {
  assert.throws(() => textData('', { file: 'a.txt' }), { code: 'DATA_TOO_SHORT', message: /^a.txt: has 0 characters/ });
  assert.throws(() => textData('abc'), { code: 'DATA_TOO_SHORT' });
  assert.throws(() => textData('abcdefgh', { split: 0.9 }), { code: 'DATA_TOO_SHORT', message: /1 for validation/ });
  for (const split of [0, 1, -1, Number.NaN, '0.5' as unknown as number]) {
    assert.throws(() => textData('abcdefgh', { split }), { code: 'EXPERIMENT_INVALID', message: /^data.split: / });
  }
  assert.throws(() => textData('abcdefgh', { split: 0.5 }).streams(4), {
    code: 'DATA_TOO_SHORT',
    message: /4 characters, too few for 4 streams/,
  });
  assert.throws(() => textData('abcdefgh', { split: 0.5 }).streams(0), { code: 'OPTION_INVALID' });
  assert.throws(() => textData('abc\ud800defgh'), { code: 'DATA_INVALID' });
});
