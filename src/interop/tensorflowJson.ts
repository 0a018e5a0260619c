import type { ByteSource } from '../data/byteSource.ts';
import { ThroughtimeError } from '../errors.ts';
import { fromFloat16 } from './halfPrecision.ts';
import { repeatedKey } from './repeatedKey.ts';
import type { NamedTensor } from './safetensors.ts';

/**
 * The files of a TensorFlow.js layers model: `model.json` with the topology and a manifest of weights, and beside it the shards that hold
 * their bytes. The shards of a group are one sequence of bytes, in which its weights follow each other without gaps.
 */

/** One weight of the manifest. */
interface WeightEntry {
  readonly name: string;
  readonly shape: readonly number[];
  /** How its bytes are read. */
  readonly stored: keyof typeof widths;
  /** Of whole numbers that stand for real ones: value = number * scale + least. */
  readonly scale: number;
  readonly least: number;
  readonly bytes: number;
}

interface WeightGroup {
  readonly paths: readonly string[];
  readonly weights: readonly WeightEntry[];
  readonly bytes: number;
}

/** What the `model.json` of a TensorFlow.js layers model holds. */
export interface ModelJson {
  /** The model as Keras describes it, not checked yet. */
  readonly topology: unknown;
  readonly groups: readonly WeightGroup[];
}

const widths = { float32: 4, float16: 2, uint16: 2, uint8: 1 } as const;

/**
 * Checks a `model.json`. Weights of an optimizer are counted in their group's bytes and otherwise left out.
 *
 * @param file its name, for errors.
 * @throws CHECKPOINT_INVALID where it is damaged or holds what cannot be read, with the field.
 */
export function parseModelJson(text: string, file: string): ModelJson {
  const invalid = (field: string | undefined, sentence: string) => new ThroughtimeError('CHECKPOINT_INVALID', sentence, { file, field });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    const sentence = `is not JSON: ${(cause as Error).message}; take another copy of the file`;
    throw new ThroughtimeError('CHECKPOINT_INVALID', sentence, { file }, { cause });
  }
  const { format, modelTopology, weightsManifest } = fieldsOf(document);
  if (format === 'graph-model') {
    throw invalid('format', 'is "graph-model", a frozen graph without layers; convert the Keras model as a layers model');
  }
  if (!isObject(modelTopology) || !Array.isArray(weightsManifest)) {
    throw invalid(undefined, 'is not a layers model of TensorFlow.js, which has modelTopology and weightsManifest; name its model.json');
  }
  const twice = repeatedKey(text);
  if (twice !== undefined) throw invalid(undefined, `has ${JSON.stringify(twice)} twice in one object; take another copy of the file`);
  const names = new Set<string>();
  const shards = new Set<string>();
  const groups = weightsManifest.map((group, at) => {
    const where = `weightsManifest[${at}]`;
    const { paths, weights } = fieldsOf(group);
    if (!Array.isArray(paths) || !Array.isArray(weights))
      throw invalid(where, 'must have paths and weights; take another copy of the file');
    for (const [n, shard] of paths.entries()) {
      const wrong = wrongShard(shard) ?? (shards.has(shard as string) ? 'stands there twice' : undefined);
      if (wrong !== undefined) throw invalid(`${where}.paths[${n}]`, `${wrong}, got ${JSON.stringify(shard)}; correct it`);
      shards.add(shard as string);
    }
    const entries = weights.map((weight, n) => {
      const entry = checkedWeight(weight, (sentence) => invalid(`${where}.weights[${n}]`, sentence));
      if (names.has(entry.name)) throw invalid(`${where}.weights[${n}]`, `${JSON.stringify(entry.name)} stands there twice; correct it`);
      names.add(entry.name);
      return entry;
    });
    return { paths: paths as string[], weights: entries, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0) };
  });
  return { topology: modelTopology, groups };
}

/**
 * Reads the weights of a manifest, as float32. Nothing is allocated before the shards are known to have as many bytes as the manifest says.
 *
 * @param open opens a shard by its name in the manifest.
 * @throws CHECKPOINT_INVALID where the shards have more or fewer bytes; what `open` throws.
 */
export function readShards({ groups }: ModelJson, open: (shard: string) => ByteSource, file: string): Map<string, NamedTensor> {
  const tensors = new Map<string, NamedTensor>();
  for (const { paths, weights, bytes } of groups) {
    const sources: ByteSource[] = [];
    try {
      for (const shard of paths) sources.push(open(shard));
      const found = sources.reduce((sum, { size }) => sum + size, 0);
      if (found !== bytes) {
        const sentence = `${paths.join(', ') || 'no shard'}: ${found} bytes where the weights of the manifest take ${bytes}; take another copy of the files`;
        throw new ThroughtimeError('CHECKPOINT_INVALID', sentence, { file });
      }
      const all = new Uint8Array(bytes);
      let at = 0;
      for (const source of sources) {
        source.read(0, all.subarray(at), source.size);
        at += source.size;
      }
      let from = 0;
      for (const weight of weights) {
        tensors.set(weight.name, {
          name: weight.name,
          shape: weight.shape,
          values: valuesOf(weight, all.slice(from, from + weight.bytes).buffer),
        });
        from += weight.bytes;
      }
    } finally {
      for (const source of sources) source.close?.();
    }
  }
  return tensors;
}

function valuesOf({ stored, scale, least }: WeightEntry, bytes: ArrayBuffer): Float32Array {
  switch (stored) {
    case 'float32':
      return new Float32Array(bytes);
    case 'float16':
      return fromFloat16(new Uint16Array(bytes));
    case 'uint16':
      return Float32Array.from(new Uint16Array(bytes), (number) => number * scale + least);
    case 'uint8':
      return Float32Array.from(new Uint8Array(bytes), (number) => number * scale + least);
  }
}

/** What is wrong with a shard's name, which has to name a file beside `model.json` or below. */
function wrongShard(shard: unknown): string | undefined {
  if (typeof shard !== 'string' || shard === '') return 'must be the name of a file';
  const outside =
    shard.startsWith('/') || /[\\:\0]/.test(shard) || shard.split('/').some((part) => part === '..' || part === '.' || part === '');
  return outside ? 'must name a file beside model.json or in a folder there' : undefined;
}

function checkedWeight(weight: unknown, invalid: (sentence: string) => ThroughtimeError): WeightEntry {
  const { name, shape, dtype, quantization } = fieldsOf(weight);
  if (typeof name !== 'string' || name === '') throw invalid('has no name; take another copy of the file');
  const wrong = (sentence: string) => invalid(`${JSON.stringify(name)} ${sentence}`);
  const whole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(whole)) {
    throw wrong(`has a shape that is not a list of whole numbers: ${JSON.stringify(shape)}; take another copy of the file`);
  }
  let stored: unknown = dtype;
  let scale = 1;
  let least = 0;
  if (quantization !== undefined) {
    const packed = fieldsOf(quantization);
    stored = packed.dtype;
    if (stored !== 'float16') {
      if (!Number.isFinite(packed.scale) || !Number.isFinite(packed.min)) {
        throw wrong(`is quantised by ${JSON.stringify(quantization)}, where scale and min must be numbers; take another copy of the file`);
      }
      scale = packed.scale as number;
      least = packed.min as number;
    }
  }
  const known = quantization === undefined ? ['float32'] : ['float16', 'uint16', 'uint8'];
  if (dtype !== 'float32' || typeof stored !== 'string' || !known.includes(stored)) {
    const what =
      quantization === undefined
        ? `of the type ${JSON.stringify(dtype)}`
        : `${JSON.stringify(dtype)}, quantised as ${JSON.stringify(stored)}`;
    throw wrong(`is ${what}; float32 is read, also quantised as float16, uint16 or uint8: save the model so`);
  }
  const width = widths[stored as keyof typeof widths];
  const bytes = shape.reduce((product: number, size: number) => product * size, width);
  if (!Number.isSafeInteger(bytes))
    throw wrong(`has the shape ${JSON.stringify(shape)}, which no file can hold; take another copy of the file`);
  return { name, shape, stored: stored as keyof typeof widths, scale, least, bytes };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}
