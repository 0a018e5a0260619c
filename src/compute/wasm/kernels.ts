import { ThroughtimeError } from '../../errors.ts';
import type { NativeProducts } from '../blas/nativeProducts.ts';
import { plainModule, relaxedModule } from './kernels.generated.ts';

/** What assembly/index.ts exports. Positions and strides are in bytes, sizes in elements. */
export interface Kernels {
  /** Address where the module's constants end. */
  constantsEnd(): number;
  multiplyAddCeiling(rounds: number, x: number, y: number): number;
  workspaceBytes(): number;
  useWorkspace(at: number): void;

  product(
    a: number,
    aStride: number,
    M: number,
    K: number,
    N: number,
    packed: number,
    start: number,
    bias: number,
    c: number,
    cStride: number,
  ): void;
  multiplyTransposed(
    a: number,
    aStride: number,
    b: number,
    bStride: number,
    M: number,
    N: number,
    K: number,
    c: number,
    cStride: number,
  ): void;
  pack(source: number, strideK: number, strideN: number, K: number, N: number, packed: number): void;
  transpose(x: number, xStride: number, rows: number, columns: number, out: number, outStride: number): void;
  copyRows(x: number, xStride: number, rows: number, columns: number, out: number, outStride: number): void;
  /** Bytes from one plain row of N numbers to the next, as the machine's library gets them. */
  plainRowBytes(N: number): number;

  add(x: number, y: number, length: number): void;
  scale(x: number, length: number, factor: number): void;
  clampValues(x: number, length: number, limit: number): number;
  fillRows(row: number, out: number, rows: number, columns: number): void;
  gatherRows(table: number, indices: number, rows: number, columns: number, out: number): void;
  scatterAddRows(x: number, indices: number, rows: number, columns: number, table: number): void;
  scaleRows(x: number, rows: number, columns: number, factors: number, least: number): void;

  addColumnSums(x: number, xStride: number, rows: number, columns: number, out: number): void;
  softmaxCrossEntropy(z: number, classes: number, R: number, O: number, differentiate: number, weight: number): number;
  firstNonFinite(x: number, length: number): number;
  maximizeRows(x: number, rows: number, columns: number, out: number): void;
  sumSquares(x: number, length: number): number;

  tanhForward(pre: number, h: number, length: number): void;
  tanhBackward(pre: number, dh: number, length: number): void;
  reluForward(pre: number, h: number, length: number): void;
  reluBackward(pre: number, dh: number, length: number): void;
  lstmForward(pre: number, cPrevious: number, h: number, c: number, B: number, H: number): void;
  lstmBackward(pre: number, cPrevious: number, c: number, dh: number, dc: number, B: number, H: number): void;
  gruForward(pre: number, apart: number, hPrevious: number, h: number, B: number, H: number): void;
  gruBackward(pre: number, apart: number, hPrevious: number, dh: number, B: number, H: number): void;
  mingruForward(pre: number, hPrevious: number, h: number, B: number, H: number): void;
  mingruBackward(pre: number, hPrevious: number, dh: number, B: number, H: number): void;
  lruForward(pre: number, units: number, hPrevious: number, imagPrevious: number, h: number, imag: number, B: number, H: number): void;
  lruBackward(pre: number, units: number, hPrevious: number, imagPrevious: number, dh: number, dImag: number, B: number, H: number): void;

  forwardSweep(layer: number, b0: number, b1: number): void;
  backwardSweep(layer: number, b0: number, b1: number): void;
  addPartialGradients(block: number, p0: number, p1: number): void;
  addParts(sums: number, bytes: number, parts: number, length: number, out: number): void;
  pullBack(rows: number, b0: number, b1: number, scratch: number): void;

  sgd(p: number, g: number, length: number, rate: number): void;
  momentum(p: number, g: number, v: number, length: number, rate: number, decay: number): void;
  rmsprop(p: number, g: number, s: number, length: number, rate: number, decay: number, share: number, epsilon: number): void;
  adam(
    p: number,
    g: number,
    m: number,
    v: number,
    length: number,
    rate: number,
    beta1: number,
    share1: number,
    beta2: number,
    share2: number,
    correction: number,
    epsilon: number,
    keep: number,
  ): void;
}

export interface CompiledKernels {
  readonly module: WebAssembly.Module;
  /** Whether it uses relaxed SIMD. */
  readonly relaxed: boolean;
}

/**
 * The module for this engine, compiled: the relaxed one where the engine accepts it, unless `relaxed` demands one of the two.
 *
 * @throws `BACKEND_UNAVAILABLE` where the engine has no 128-bit SIMD, or not the relaxed SIMD that was demanded.
 */
export async function compileKernels(relaxed?: boolean): Promise<CompiledKernels> {
  if (relaxed !== false) {
    const bytes = decode(relaxedModule);
    if (WebAssembly.validate(bytes)) return { module: await WebAssembly.compile(bytes), relaxed: true };
    if (relaxed) throw new ThroughtimeError('BACKEND_UNAVAILABLE', 'the engine has no relaxed SIMD; leave the choice to `wasmBackend()`');
  }
  const bytes = decode(plainModule);
  if (!WebAssembly.validate(bytes)) {
    throw new ThroughtimeError('BACKEND_UNAVAILABLE', 'the engine has no WebAssembly SIMD or threads; use the backend `scalar`');
  }
  return { module: await WebAssembly.compile(bytes), relaxed: false };
}

/** An instance of a compiled module on `memory`; its constants go into the reserved bytes at the start. */
export async function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  native?: NativeProducts,
): Promise<Kernels> {
  const instance = await WebAssembly.instantiate(module, { env: { memory, nativeProduct: native?.product ?? (() => {}) } });
  return instance.exports as unknown as Kernels;
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const characters = atob(base64);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}
