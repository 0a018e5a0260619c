import { ThroughtimeError } from '../errors.ts';
import { fromBfloat16, fromFloat16 } from './halfPrecision.ts';
import { repeatedKey } from './repeatedKey.ts';

/**
 * The safetensors format: 8 bytes with the length of a JSON header (little-endian), the header, and the bytes of all
 * tensors. The header names each tensor's type, shape and place; `__metadata__` holds strings of the writer's own.
 */

/** One tensor: its name, shape and numbers, row-major. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array;
}

/** A file's content. Tensors are in the order of their bytes. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const longestHeader = 100_000_000;
const types: Record<string, { readonly width: number; readonly read: (bytes: ArrayBuffer) => Float32Array | Float64Array }> = {
  F64: { width: 8, read: (bytes) => new Float64Array(bytes) },
  F32: { width: 4, read: (bytes) => new Float32Array(bytes) },
  F16: { width: 2, read: (bytes) => fromFloat16(new Uint16Array(bytes)) },
  BF16: { width: 2, read: (bytes) => fromBfloat16(new Uint16Array(bytes)) },
};

/** Writes float32 arrays as F32, float64 arrays as F64, in the order given. @throws OPTION_INVALID where a name comes twice. */
export function writeSafetensors(tensors: readonly NamedTensor[], metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const header = new Map<string, unknown>([['__metadata__', metadata]]);
  let offset = 0;
  for (const { name, shape, values } of tensors) {
    if (header.has(name)) {
      throw new ThroughtimeError('OPTION_INVALID', `there is another tensor of this name, or it is reserved; give each its own`, {
        field: name,
      });
    }
    header.set(name, { dtype: values instanceof Float64Array ? 'F64' : 'F32', shape, data_offsets: [offset, offset + values.byteLength] });
    offset += values.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  // The header is padded with spaces so that the numbers begin at a multiple of 8.
  const headerLength = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + headerLength + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.fill(0x20, 8, 8 + headerLength);
  file.set(text, 8);
  let at = 8 + headerLength;
  for (const { values } of tensors) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return file;
}

/**
 * Reads a file of F64, F32, F16 and BF16 tensors; the latter two become float32, exactly.
 *
 * @param file its name, for errors.
 * @throws CHECKPOINT_INVALID where the bytes are cut short, overlap, leave gaps or are not what the header says, or a name comes twice.
 *
 * @example
 * ```ts
 * import { readSafetensors, writeSafetensors } from 'throughtime';
 *
 * const bytes = writeSafetensors([{ name: 'weight', shape: [2, 1], values: Float32Array.of(1, 2) }]);
 * console.log(String(readSafetensors(bytes, 'in memory').tensors.get('weight')?.values)); // 1,2
 * ```
 */
export function readSafetensors(bytes: Uint8Array, file: string): TensorFile {
  const invalid = (sentence: string, field?: string) =>
    new ThroughtimeError('CHECKPOINT_INVALID', `${sentence}; take another copy of the file`, { file, field });
  if (bytes.length < 8)
    throw invalid(`is not a safetensors file: it has ${bytes.length} bytes, and the length of the header alone takes 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const declared = view.getBigUint64(0, true);
  if (declared > BigInt(longestHeader) || declared + 8n > BigInt(bytes.length)) {
    throw invalid(`is cut off or not a safetensors file: its header should have ${declared} bytes, and the whole file has ${bytes.length}`);
  }
  const start = 8 + Number(declared);
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes.subarray(8, start)));
    header = JSON.parse(text);
  } catch (cause) {
    throw new ThroughtimeError(
      'CHECKPOINT_INVALID',
      'is not a safetensors file: its header is not JSON; take another copy of the file',
      { file },
      { cause },
    );
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw invalid('is not a safetensors file: its header is not a JSON object');
  const twice = repeatedKey(text);
  if (twice !== undefined) throw invalid(`has ${JSON.stringify(twice)} twice in one object of its header`);
  const { __metadata__: metadata = {}, ...entries } = header as Record<string, unknown>;
  const places = Object.entries(entries).map(([name, entry]) => ({ name, ...checkedEntry(name, entry, invalid) }));
  places.sort((a, b) => a.begin - b.begin);
  let expected = 0;
  for (const { name, begin, end } of places) {
    if (begin !== expected) throw invalid(`begins at byte ${begin} where ${expected} was due: tensors overlap or leave a gap`, name);
    expected = end;
  }
  if (start + expected !== bytes.length) {
    throw invalid(
      `has ${bytes.length} bytes where its header asks for ${start + expected}: it is ${start + expected > bytes.length ? 'cut off' : 'too long'}`,
    );
  }
  const tensors = new Map<string, NamedTensor>();
  for (const { name, dtype, shape, begin, end } of places) {
    // A copy of its own: aligned, and free of the file's bytes (a Buffer's slice would share them).
    const copy = Uint8Array.from(bytes.subarray(start + begin, start + end)).buffer;
    tensors.set(name, { name, shape, values: types[dtype].read(copy) });
  }
  return { tensors, metadata: stringsOnly(metadata) };
}

function checkedEntry(name: string, entry: unknown, invalid: (sentence: string, field?: string) => ThroughtimeError) {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  if (typeof dtype !== 'string' || !Object.hasOwn(types, dtype)) {
    throw invalid(`has the type ${JSON.stringify(dtype)}; ${Object.keys(types).join(', ')} are read`, name);
  }
  const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(isIndex))
    throw invalid(`has a shape that is not a list of whole numbers: ${JSON.stringify(shape)}`, name);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isIndex) || offsets[0] > offsets[1]) {
    throw invalid(`has a place that is not two ascending whole numbers: ${JSON.stringify(offsets)}`, name);
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const { width } = types[dtype];
  if (count * width !== offsets[1] - offsets[0]) {
    throw invalid(`has ${offsets[1] - offsets[0]} bytes where its shape ${JSON.stringify(shape)} of ${dtype} takes ${count * width}`, name);
  }
  return { dtype, shape: shape as number[], begin: offsets[0] as number, end: offsets[1] as number };
}

function stringsOnly(metadata: unknown): Record<string, string> {
  const entries = Object.entries((metadata ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
