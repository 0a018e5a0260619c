import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { reservedBytes } from '../wasm/kernels.generated.ts';
import { compileKernels, instantiateKernels, type Kernels } from '../wasm/kernels.ts';
import { type Candidate, findLibraries } from './libraries.ts';
import type { NativeProducts } from './nativeProducts.ts';
import { type Probed, probe } from './probe.ts';
import { measureShapes, type Placed, type Shape, shapes } from './shapes.ts';

/** What was found on this machine and how fast it is. */
export interface Survey {
  readonly libraries: readonly (Candidate & Probed)[];
  /** GFLOP/s of the wasm kernels at the same shapes, one thread. */
  readonly wasm: readonly number[];
  readonly shapes: readonly Shape[];
  /** When it was measured. */
  readonly measured: string;
  /** The file that keeps it, or why there is none. */
  readonly kept: { readonly file: string } | { readonly why: string };
}

/** Of the kept measurements. */
const format = 3;

/** Path of the `koffi` package, or why it cannot be had. */
export function koffiPath(): { path: string } | { why: string } {
  try {
    return { path: createRequire(import.meta.url).resolve('koffi') };
  } catch {
    return { why: 'the package koffi is not installed' };
  }
}

/**
 * Measures the libraries of this machine, each in a process of its own, or takes what was measured before: the same
 * libraries on the same processor are measured once, so that the choice does not change from run to run.
 *
 * @param fresh measures again.
 * @param told says a sentence when something is about to be measured.
 */
export async function survey(
  koffi: string,
  { fresh = false, told }: { fresh?: boolean; told?: (sentence: string) => void } = {},
): Promise<Survey> {
  const candidates = findLibraries();
  const file = path.join(cacheFolder(), 'blas.json');
  const key = JSON.stringify([format, process.versions.node, os.cpus()[0]?.model, shapes, candidates.map((each) => [each, stamp(each)])]);
  if (!fresh) {
    const kept = read(file, key);
    if (kept) return { ...kept, kept: { file } };
  }
  if (candidates.length > 0) told?.(`Measuring the BLAS libraries of this machine (${candidates.length} settings, some seconds, once).`);
  const { module } = await compileKernels();
  const memory = new WebAssembly.Memory({ initial: 500, maximum: 65536, shared: true });
  const kernels = await instantiateKernels(module, memory);
  const placed = shapes.map((shape) => ({ ...shape, bStride: kernels.plainRowBytes(shape.N) }));
  const libraries: (Candidate & Probed)[] = [];
  for (const candidate of candidates) libraries.push({ ...candidate, ...(await probe(candidate, koffi, placed)) });
  const found = { libraries, wasm: await measureWasm(kernels, placed), shapes, measured: new Date().toISOString() };
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(`${file}.${process.pid}`, `${JSON.stringify({ key, ...found }, null, 1)}\n`);
    renameSync(`${file}.${process.pid}`, file);
    return { ...found, kept: { file } };
  } catch (cause) {
    return { ...found, kept: { why: `${file} cannot be written: ${(cause as Error).message}` } };
  }
}

function read(file: string, key: string): Omit<Survey, 'kept'> | undefined {
  try {
    const { key: found, ...kept } = JSON.parse(readFileSync(file, 'utf8'));
    return found === key ? kept : undefined;
  } catch {
    // Nothing was measured before, or the file is torn: it is measured again.
    return undefined;
  }
}

function stamp({ library }: Candidate): readonly number[] {
  try {
    const { size, mtimeMs } = statSync(library);
    return [size, mtimeMs];
  } catch {
    return [];
  }
}

function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (XDG_CACHE_HOME) return path.join(XDG_CACHE_HOME, 'throughtime');
  if (process.platform === 'win32' && LOCALAPPDATA) return path.join(LOCALAPPDATA, 'throughtime');
  return path.join(os.homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache', 'throughtime');
}

/** The wasm kernels at the same shapes; the right-hand matrix is packed once, as it is in training. */
async function measureWasm(kernels: Kernels, shapes: readonly Placed[]): Promise<number[]> {
  kernels.useWorkspace(reservedBytes + (28 << 20));
  const products = {
    product: (...[a, aStride, M, K, N, b, , , c, cStride]: Parameters<NativeProducts['product']>) =>
      kernels.product(a, aStride, M, K, N, b, 0, 0, c, cStride),
    transposed: kernels.multiplyTransposed,
  };
  // The engine compiles well what has run often, beside; then it is measured.
  measureShapes(shapes, products);
  await new Promise((resolve) => setTimeout(resolve, 100));
  return measureShapes(shapes, products);
}
