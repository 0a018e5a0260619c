import { ThroughtimeError } from '../../errors.ts';
import type { Backend } from '../backend.ts';
import { type NativeProducts, type NativeSetup, openNativeProducts } from '../blas/nativeProducts.ts';
import { scalarPullBack } from '../scalar/pullBack.ts';
import { ThreadPool } from '../threads/pool.ts';
import { controlBytes } from '../threads/thread.ts';
import { fusedCells } from './cells.ts';
import { reservedBytes } from './kernels.generated.ts';
import { compileKernels, instantiateKernels } from './kernels.ts';
import { fusedLosses } from './losses.ts';
import { copyRows, type Layout, layoutFor, type Matrix, matrixLength, packed as packedLayout, rowsPerCall } from './matrices.ts';
import { StackMemory } from './memory.ts';
import { wasmPartialGradients } from './partialGradients.ts';
import { wasmPullBack } from './pullBack.ts';
import { wasmSweep } from './sweep.ts';
import { ThreadedKernels } from './threadedKernels.ts';
import { fusedUpdates } from './updates.ts';

/** What a product starts from (assembly/product.ts). */
const FROM_ZERO = 0;
const FROM_C = 1;
const FROM_BIAS = 2;

/** `scaleRows` makes smaller results 0. */
const LEAST_SCALED = 2 ** -100;

export interface WasmOptions {
  /** Demands the module with relaxed SIMD (true) or the one without (false); by default the engine decides. */
  relaxed?: boolean;
  /**
   * Processor threads that share the work, this one included; 1 by default. The bits do not depend on it. `auto`: one for each
   * processor core, 8 at most, and this one alone where the engine gives no others, as a browser does to a page that is not
   * isolated from other origins; `detail` then says so.
   */
  threads?: number | 'auto';
}

/** A library of the machine that does large products in place of the kernels (compute/blas/). */
export interface Native {
  readonly koffi: Parameters<typeof openNativeProducts>[0];
  readonly setup: NativeSetup;
  /** One plain sentence fragment: which library. */
  readonly detail: string;
  /** Whether it is to do products of this kind. */
  readonly wants: NativeKinds;
}

/** Kinds of products: of one step (few rows), of all steps at once, and weight gradients. */
export interface NativeKinds {
  readonly step: boolean;
  readonly whole: boolean;
  readonly gradient: boolean;
}

/** No dimension of a native product is smaller: below, calling the library costs more than it saves. */
const LEAST_NATIVE = 32;
/** Rows from which on a product counts as one of all steps at once. */
const WHOLE_ROWS = 256;

/**
 * float32 kernels in 128-bit WebAssembly SIMD, over one shared memory of up to 4 GiB that grows on demand.
 *
 * A row of `multiply` and `multiplyBias` has the same bits whatever M is and whatever the other rows hold.
 *
 * @throws `BACKEND_UNAVAILABLE` where the engine lacks what it needs; its `allocate` throws `MEMORY_EXHAUSTED`.
 */
export async function wasmBackend(options: WasmOptions = {}): Promise<Backend> {
  return openWasm(options, undefined);
}

/** The same with some products done by a library of the machine. */
export async function openWasm(options: WasmOptions, native: Native | undefined): Promise<Backend> {
  const { module, relaxed } = await compileKernels(options.relaxed);
  const stack = new StackMemory(reservedBytes);
  const products: NativeProducts | undefined = native && openNativeProducts(native.koffi, native.setup, stack.memory);
  const kernels = await instantiateKernels(module, stack.memory, products);
  kernels.useWorkspace(stack.allocateBytes(kernels.workspaceBytes()));
  const wanted = options.threads === 'auto' ? cores() : checkedThreads(options.threads);
  const workspaces = Array.from({ length: wanted - 1 }, () => stack.allocateBytes(kernels.workspaceBytes()));
  const control = stack.allocateBytes(wanted * controlBytes);
  let pool: ThreadPool | undefined;
  let alone = '';
  try {
    if (wanted > 1) pool = await ThreadPool.open(module, stack.memory, control, workspaces, native?.setup);
  } catch (cause) {
    if (options.threads !== 'auto') throw cause;
    alone = `; one thread, because ${(cause as Error).message.replace(/; use one thread$/, '')}`;
  }
  const threads = pool?.threads ?? 1;
  const shared = new ThreadedKernels(kernels, pool, products);
  const detail = relaxed ? '128-bit SIMD with relaxed fused multiply-add' : '128-bit SIMD without fused multiply-add';

  const allocate = (length: number): Float32Array => {
    const at = stack.allocateBytes(length * 4);
    return new Float32Array(stack.memory.buffer, at, length);
  };

  const plainStride = (N: number): number => kernels.plainRowBytes(N) / 4;
  /** What was found for a shape is kept: it does not change. */
  const layouts = new Map<string, Layout>();
  const layoutIn = (K: number, N: number, rows: number): Layout => {
    const kind = rows >= WHOLE_ROWS ? 'whole' : 'step';
    if (!products || !native?.wants[kind] || Math.min(K, N, rows) < LEAST_NATIVE) return packedLayout;
    const key = `${K} ${N} ${rows}`;
    const known = layouts.get(key);
    if (known !== undefined) return known;
    const mark = stack.mark();
    const layout = layoutFor(K, N, plainStride(N), rows, products, allocate);
    stack.release(mark);
    layouts.set(key, layout);
    return layout;
  };

  return {
    name: native ? 'blas' : 'wasm',
    precision: 'float32',
    detail: `${native ? `${native.detail}, and ` : ''}${detail}${alone}`,
    fused: { cells: fusedCells(kernels), updates: fusedUpdates(kernels, shared), losses: fusedLosses(shared) },
    threads,
    sweep: (arrays) => wasmSweep(arrays, stack, shared),
    partialGradients(arrays) {
      const { joined, H } = arrays;
      const large = native?.wants.gradient === true && Math.min(joined, H) >= LEAST_NATIVE;
      return large ? undefined : wasmPartialGradients(arrays, stack, shared);
    },
    pullBack(arrays) {
      if (arrays.apartRead) return scalarPullBack(arrays);
      const { S, H, P, width } = arrays;
      const large = Math.min(S * H, H, P, width || H) >= LEAST_NATIVE;
      return wasmPullBack(arrays, stack, kernels, shared, threads, large && native?.wants.step === true);
    },

    allocate,
    allocateIndices(length) {
      const at = stack.allocateBytes(length * 4);
      return new Int32Array(stack.memory.buffer, at, length);
    },
    mark: () => stack.mark(),
    release: (mark) => stack.release(mark),
    room: () => stack.room(),

    allocatePacked(K, N, rows = 0) {
      const layout = layoutIn(K, N, rows);
      const stride = plainStride(N);
      const matrix: Matrix = { K, N, layout, rows, stride, data: allocate(matrixLength(K, N, layout, stride)) };
      return matrix;
    },
    pack(source, sourceAt, strideK, strideN, packed) {
      const { K, N, data, layout, stride } = packed as Matrix;
      const from = source.byteOffset + sourceAt * 4;
      if (layout === packedLayout) shared.pack(from, strideK * 4, strideN * 4, K, N, data.byteOffset);
      else if (strideK === 1) shared.transpose(from, strideN * 4, N, K, data.byteOffset, stride * 4);
      else if (strideN === 1) shared.copyRows(from, strideK * 4, K, N, data.byteOffset, stride * 4);
      else copyRows(source, sourceAt, strideK, strideN, packed as Matrix);
    },
    multiply(a, aAt, aRowStride, M, packed, c, cAt, cRowStride, accumulate) {
      const { K, N, data, layout, stride } = packed as Matrix;
      const from = a.byteOffset + aAt * 4;
      const to = c.byteOffset + cAt * 4;
      if (layout === packedLayout) {
        shared.product(from, aRowStride * 4, M, K, N, data.byteOffset, accumulate ? FROM_C : FROM_ZERO, 0, to, cRowStride * 4);
      } else {
        const rows = rowsPerCall(layout);
        shared.nativeProduct(from, aRowStride * 4, M, K, N, data.byteOffset, stride * 4, accumulate ? 1 : 0, to, cRowStride * 4, rows);
      }
    },
    multiplyBias(a, aAt, aRowStride, M, packed, bias, biasAt, c, cAt, cRowStride) {
      const { K, N, data, layout, stride } = packed as Matrix;
      const from = a.byteOffset + aAt * 4;
      const to = c.byteOffset + cAt * 4;
      const start = bias.byteOffset + biasAt * 4;
      if (layout === packedLayout) {
        shared.product(from, aRowStride * 4, M, K, N, data.byteOffset, FROM_BIAS, start, to, cRowStride * 4);
        return;
      }
      if (cRowStride === N) shared.fillRows(start, to, M, N);
      else for (let m = 0; m < M; m++) kernels.fillRows(start, to + m * cRowStride * 4, 1, N);
      shared.nativeProduct(from, aRowStride * 4, M, K, N, data.byteOffset, stride * 4, 1, to, cRowStride * 4, rowsPerCall(layout));
    },
    multiplyTransposed(a, aAt, aRowStride, b, bAt, bRowStride, M, N, K, c, cAt, cRowStride) {
      const left = a.byteOffset + aAt * 4;
      const right = b.byteOffset + bAt * 4;
      const to = c.byteOffset + cAt * 4;
      const large = native?.wants.gradient === true && Math.min(M, N, K) >= LEAST_NATIVE;
      if (large) shared.nativeTransposed(left, aRowStride * 4, right, bRowStride * 4, M, N, K, to, cRowStride * 4);
      else shared.multiplyTransposed(left, aRowStride * 4, right, bRowStride * 4, M, N, K, to, cRowStride * 4);
    },

    addColumnSums(x, xAt, xRowStride, rows, columns, out, outAt) {
      shared.addColumnSums(x.byteOffset + xAt * 4, xRowStride * 4, rows, columns, out.byteOffset + outAt * 4);
    },
    fillRows(row, rowAt, out, outAt, rows, columns) {
      shared.fillRows(row.byteOffset + rowAt * 4, out.byteOffset + outAt * 4, rows, columns);
    },
    gatherRows(table, tableAt, indices, indicesAt, rows, columns, out, outAt) {
      const indexPosition = indices.byteOffset + indicesAt * 4;
      shared.gatherRows(table.byteOffset + tableAt * 4, indexPosition, rows, columns, out.byteOffset + outAt * 4);
    },
    scatterAddRows(x, xAt, indices, indicesAt, rows, columns, table, tableAt) {
      const indexPosition = indices.byteOffset + indicesAt * 4;
      kernels.scatterAddRows(x.byteOffset + xAt * 4, indexPosition, rows, columns, table.byteOffset + tableAt * 4);
    },
    transpose(x, xAt, rows, columns, out, outAt) {
      shared.transpose(x.byteOffset + xAt * 4, columns * 4, rows, columns, out.byteOffset + outAt * 4, rows * 4);
    },

    add(x, xAt, y, yAt, length) {
      kernels.add(x.byteOffset + xAt * 4, y.byteOffset + yAt * 4, length);
    },
    scale(x, xAt, length, factor) {
      kernels.scale(x.byteOffset + xAt * 4, length, factor);
    },
    clampValues: (x, xAt, length, limit) => kernels.clampValues(x.byteOffset + xAt * 4, length, limit),
    sumSquares: (x, xAt, length) => shared.sumSquares(x.byteOffset + xAt * 4, length),
    firstNonFinite: (x, xAt, length) => kernels.firstNonFinite(x.byteOffset + xAt * 4, length),

    maximizeRows(x, xAt, rows, columns, out, outAt) {
      kernels.maximizeRows(x.byteOffset + xAt * 4, rows, columns, out.byteOffset + outAt * 4);
    },
    scaleRows(x, xAt, rows, columns, factors, factorsAt) {
      shared.scaleRows(x.byteOffset + xAt * 4, rows, columns, factors.byteOffset + factorsAt * 4, LEAST_SCALED);
    },
  };
}

/** Processor cores of this machine as far as the engine says, 8 at most. */
function cores(): number {
  return Math.max(1, Math.min(8, globalThis.navigator?.hardwareConcurrency ?? 1));
}

function checkedThreads(threads = 1): number {
  if (!Number.isInteger(threads) || threads < 1 || threads > 64) {
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `threads must be a whole number from 1 to 64, got ${threads}; give as many as there are processor cores`,
    );
  }
  return threads;
}
