import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type NamedTensor, readSafetensors, writeSafetensors } from './safetensors.ts';

const tensors: NamedTensor[] = [
  { name: 'a', shape: [2, 3], values: Float32Array.of(1, -0, 3.5, Number.NaN, Number.POSITIVE_INFINITY, 1e-45) },
  { name: 'b', shape: [], values: Float64Array.of(Math.PI) },
  { name: 'grüß dich', shape: [0, 4], values: new Float32Array(0) },
  { name: 'c', shape: [3], values: Float64Array.of(1e308, 5e-324, -1) },
];

describe('what was written is read', () => {
  const check = (bytes: Uint8Array, expected = tensors) => {
    const read = readSafetensors(bytes, 'a.safetensors');
    assert.deepEqual([...read.tensors.values()], expected);
    return read;
  };

  test('float32 and float64, scalars and empty tensors, in order, with metadata', () => {
    const bytes = writeSafetensors(tensors, { format: 'pt', note: 'ü' });
    assert.deepEqual(check(bytes).metadata, { format: 'pt', note: 'ü' });
    assert.equal(new DataView(bytes.buffer).getUint32(0, true) % 8, 0, 'numbers begin at a multiple of 8');
  });

  test('from a Buffer slice at an odd place, as copies of its numbers', () => {
    const bytes = writeSafetensors(tensors);
    for (const offset of [1, 3, 7]) {
      const whole = Buffer.alloc(bytes.length + offset);
      whole.set(bytes, offset);
      const { tensors: read } = check(whole.subarray(offset));
      whole.fill(0);
      assert.equal(read.get('b')?.values[0], Math.PI);
    }
  });

  test('views of shared memory', () => {
    const shared = new Float32Array(new SharedArrayBuffer(32));
    shared.set([9, 1, 2, 3, 9]);
    const bytes = writeSafetensors([{ name: 'a', shape: [3], values: shared.subarray(1, 4) }]);
    check(bytes, [{ name: 'a', shape: [3], values: Float32Array.of(1, 2, 3) }]);
    const sharedBytes = new Uint8Array(new SharedArrayBuffer(bytes.length));
    sharedBytes.set(bytes);
    check(sharedBytes, [{ name: 'a', shape: [3], values: Float32Array.of(1, 2, 3) }]);
  });
});

/** A file with this header and so many bytes of numbers. */
function fileOf(header: unknown, dataLength: number, headerLength?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const entry = (shape: unknown, begin: unknown, end: unknown, dtype: unknown = 'F32') => ({ dtype, shape, data_offsets: [begin, end] });
const whole = writeSafetensors(tensors);

const hostile: Record<string, Uint8Array> = {
  'an empty file': new Uint8Array(0),
  'seven bytes': new Uint8Array(7),
  'cut off in the header': whole.subarray(0, 20),
  'cut off in the numbers': whole.subarray(0, whole.length - 1),
  'a byte too many': Uint8Array.from([...whole, 0]),
  'a header of 2^60 bytes': fileOf({}, 0, 2n ** 60n),
  'a header of 2^64 - 1 bytes': fileOf({}, 0, 2n ** 64n - 1n),
  'a header that is not JSON': fileOf('{"a": ', 0),
  'a header that is not UTF-8': new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe]),
  'a header that is an array': fileOf([], 0),
  'a header that is null': fileOf('null', 0),
  'an entry that is null': fileOf({ a: null }, 0),
  'an entry that is a number': fileOf({ a: 1 }, 0),
  'an unknown type': fileOf({ a: entry([1], 0, 2, 'I16') }, 2),
  'a type that every object has': fileOf({ a: entry([1], 0, 4, 'toString') }, 4),
  'a shape that takes more than there is': fileOf({ a: entry([2], 0, 4) }, 4),
  'a negative shape': fileOf({ a: entry([-1, -1], 0, 4) }, 4),
  'a shape of fractions': fileOf({ a: entry([0.5, 2], 0, 4) }, 4),
  'a shape whose product overflows': fileOf({ a: entry([2 ** 52, 2 ** 52], 0, 4) }, 4),
  'a place that runs backwards': fileOf({ a: entry([1], 4, 0) }, 4),
  'a place of strings': fileOf({ a: entry([1], '0', '4') }, 4),
  'tensors that overlap': fileOf({ a: entry([2], 0, 8), b: entry([1], 4, 8) }, 8),
  'a gap between tensors': fileOf({ a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12),
  'a gap before the first': fileOf({ a: entry([1], 4, 8) }, 8),
  'a name that comes twice': fileOf(
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
    8,
  ),
  'an entry with two shapes': fileOf('{"a":{"dtype":"F32","shape":[2],"shape":[1],"data_offsets":[0,4]}}', 4),
  'NaN in the header': fileOf('{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}', 4),
  'a shape of 2^60': fileOf('{"a":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,4]}}', 4),
  'an infinite place': fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1e999]}}', 4),
  'a shape that overflows, times 0': fileOf({ a: entry([...new Array(30).fill(2 ** 52), 0], 0, 0) }, 0),
  'numbers that no tensor has': fileOf({ a: entry([1], 0, 4) }, 8),
};

describe('a file that is not what it says is refused by name', () => {
  for (const [what, bytes] of Object.entries(hostile)) {
    test(what, () => {
      assert.throws(() => readSafetensors(bytes, 'a.safetensors'), {
        code: 'CHECKPOINT_INVALID',
        message: /^a\.safetensors: .*take another copy/,
      });
    });
  }
});

test('a file that another program wrote: unpadded header, tensors in another order, metadata of other kinds left out', () => {
  const bytes = fileOf({ __metadata__: { a: 'x', b: 1 }, second: entry([1], 4, 8), first: entry([1], 0, 4) }, 8);
  const { tensors: read, metadata } = readSafetensors(bytes, 'a');
  assert.deepEqual([...read.keys()], ['first', 'second']);
  assert.deepEqual(metadata, { a: 'x' });
});

test('half precision becomes float32 without loss', () => {
  // Largest and smallest of each format, one third, infinities, and a number that is none: bits and the float32 they stand for.
  const f16: [number, number][] = [
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x83ff, -1023 * 2 ** -24],
    [0x3555, 0.333251953125],
    [0x8000, -0],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, Number.NaN],
  ];
  const bf16: [number, number][] = [
    [0x3f80, 1],
    [0xc040, -3],
    [0x3eab, 0.333984375],
    [0x7f7f, 255 * 2 ** 120],
    [0x0001, 2 ** -133],
    [0x8000, -0],
    [0xff80, -Infinity],
    [0x7fc0, Number.NaN],
  ];
  for (const [dtype, values] of Object.entries({ F16: f16, BF16: bf16 })) {
    const length = 2 * values.length;
    const bytes = fileOf({ a: entry([values.length], 0, length, dtype) }, length);
    const view = new DataView(bytes.buffer, bytes.length - length);
    for (const [index, [bits]] of values.entries()) view.setUint16(2 * index, bits, true);
    const { values: read } = readSafetensors(bytes, 'a').tensors.get('a')!;
    assert.ok(read instanceof Float32Array);
    assert.deepEqual(
      [...read],
      values.map(([, value]) => value),
    );
  }
});

test('a name that comes twice is not written', () => {
  const one = { name: 'a', shape: [1], values: Float32Array.of(1) };
  assert.throws(() => writeSafetensors([one, one]), { code: 'OPTION_INVALID', message: /^a: there is another tensor/ });
  assert.throws(() => writeSafetensors([{ ...one, name: '__metadata__' }]), { code: 'OPTION_INVALID' });
  const { tensors: read } = readSafetensors(writeSafetensors([{ ...one, name: '__proto__' }]), 'a');
  assert.deepEqual([...read.keys()], ['__proto__']);
});
