import { ThroughtimeError } from '../../errors.ts';
import type { Backend } from '../backend.ts';
import { controlBytes, ThreadPool } from '../threads/pool.ts';
import { fusedCells } from './cells.ts';
import { reservedBytes } from './kernels.generated.ts';
import { compileKernels, instantiateKernels } from './kernels.ts';
import { StackMemory } from './memory.ts';
import { wasmSweep } from './sweep.ts';
import { ThreadedKernels } from './threadedKernels.ts';
import { fusedUpdates } from './updates.ts';

/** Columns of one panel of a packed matrix (assembly/layout.ts). */
const PANEL = 8;

/** What a product starts from (assembly/product.ts). */
const FROM_ZERO = 0;
const FROM_C = 1;
const FROM_BIAS = 2;

/** `scaleRows` makes smaller results 0. */
const LEAST_SCALED = 2 ** -100;

export interface WasmOptions {
  /** Demands the module with relaxed SIMD (true) or the one without (false); by default the engine decides. */
  relaxed?: boolean;
  /** Processor threads that share the work, this one included; 1 by default. The bits do not depend on it. */
  threads?: number;
}

/**
 * float32 kernels in 128-bit WebAssembly SIMD, over one shared memory of up to 4 GiB that grows on demand.
 *
 * A row of `multiply` and `multiplyBias` has the same bits whatever M is and whatever the other rows hold.
 *
 * @throws `BACKEND_UNAVAILABLE` where the engine lacks what it needs; its `allocate` throws `MEMORY_EXHAUSTED`.
 */
export async function wasmBackend(options: WasmOptions = {}): Promise<Backend> {
  const { module, relaxed } = await compileKernels(options.relaxed);
  const stack = new StackMemory(reservedBytes);
  const kernels = await instantiateKernels(module, stack.memory);
  kernels.useWorkspace(stack.allocateBytes(kernels.workspaceBytes()));
  const threads = checkedThreads(options.threads);
  const workspaces = Array.from({ length: threads - 1 }, () => stack.allocateBytes(kernels.workspaceBytes()));
  const control = stack.allocateBytes(controlBytes(threads));
  const pool = threads > 1 ? await ThreadPool.open(module, stack.memory, control, workspaces) : undefined;
  const shared = new ThreadedKernels(kernels, pool);

  const allocate = (length: number): Float32Array => {
    const at = stack.allocateBytes(length * 4);
    return new Float32Array(stack.memory.buffer, at, length);
  };

  return {
    name: 'wasm',
    precision: 'float32',
    detail: relaxed ? '128-bit SIMD with relaxed fused multiply-add' : '128-bit SIMD without fused multiply-add',
    fused: { cells: fusedCells(kernels), updates: fusedUpdates(kernels) },
    threads,
    sweep: (arrays) => wasmSweep(arrays, stack, shared),

    allocate,
    allocateIndices(length) {
      const at = stack.allocateBytes(length * 4);
      return new Int32Array(stack.memory.buffer, at, length);
    },
    mark: () => stack.mark(),
    release: (mark) => stack.release(mark),

    allocatePacked: (K, N) => ({ K, N, data: allocate(K * Math.ceil(N / PANEL) * PANEL) }),
    pack(source, sourceAt, strideK, strideN, packed) {
      kernels.pack(source.byteOffset + sourceAt * 4, strideK * 4, strideN * 4, packed.K, packed.N, packed.data.byteOffset);
    },
    multiply(a, aAt, aRowStride, M, packed, c, cAt, cRowStride, accumulate) {
      const start = accumulate ? FROM_C : FROM_ZERO;
      const { K, N, data } = packed;
      shared.product(a.byteOffset + aAt * 4, aRowStride * 4, M, K, N, data.byteOffset, start, 0, c.byteOffset + cAt * 4, cRowStride * 4);
    },
    multiplyBias(a, aAt, aRowStride, M, packed, bias, biasAt, c, cAt, cRowStride) {
      const { K, N, data } = packed;
      const biasPosition = bias.byteOffset + biasAt * 4;
      shared.product(
        a.byteOffset + aAt * 4,
        aRowStride * 4,
        M,
        K,
        N,
        data.byteOffset,
        FROM_BIAS,
        biasPosition,
        c.byteOffset + cAt * 4,
        cRowStride * 4,
      );
    },
    multiplyTransposed(a, aAt, aRowStride, b, bAt, bRowStride, M, N, K, c, cAt, cRowStride) {
      shared.multiplyTransposed(
        a.byteOffset + aAt * 4,
        aRowStride * 4,
        b.byteOffset + bAt * 4,
        bRowStride * 4,
        M,
        N,
        K,
        c.byteOffset + cAt * 4,
        cRowStride * 4,
      );
    },

    addColumnSums(x, xAt, xRowStride, rows, columns, out, outAt) {
      kernels.addColumnSums(x.byteOffset + xAt * 4, xRowStride * 4, rows, columns, out.byteOffset + outAt * 4);
    },
    fillRows(row, rowAt, out, outAt, rows, columns) {
      kernels.fillRows(row.byteOffset + rowAt * 4, out.byteOffset + outAt * 4, rows, columns);
    },
    gatherRows(table, tableAt, indices, indicesAt, rows, columns, out, outAt) {
      const indexPosition = indices.byteOffset + indicesAt * 4;
      kernels.gatherRows(table.byteOffset + tableAt * 4, indexPosition, rows, columns, out.byteOffset + outAt * 4);
    },
    scatterAddRows(x, xAt, indices, indicesAt, rows, columns, table, tableAt) {
      const indexPosition = indices.byteOffset + indicesAt * 4;
      kernels.scatterAddRows(x.byteOffset + xAt * 4, indexPosition, rows, columns, table.byteOffset + tableAt * 4);
    },
    transpose(x, xAt, rows, columns, out, outAt) {
      kernels.transpose(x.byteOffset + xAt * 4, columns * 4, rows, columns, out.byteOffset + outAt * 4, rows * 4);
    },

    add(x, xAt, y, yAt, length) {
      kernels.add(x.byteOffset + xAt * 4, y.byteOffset + yAt * 4, length);
    },
    scale(x, xAt, length, factor) {
      kernels.scale(x.byteOffset + xAt * 4, length, factor);
    },
    clampValues: (x, xAt, length, limit) => kernels.clampValues(x.byteOffset + xAt * 4, length, limit),
    sumSquares: (x, xAt, length) => kernels.sumSquares(x.byteOffset + xAt * 4, length),
    firstNonFinite: (x, xAt, length) => kernels.firstNonFinite(x.byteOffset + xAt * 4, length),

    maximizeRows(x, xAt, rows, columns, out, outAt) {
      kernels.maximizeRows(x.byteOffset + xAt * 4, rows, columns, out.byteOffset + outAt * 4);
    },
    scaleRows(x, xAt, rows, columns, factors, factorsAt) {
      kernels.scaleRows(x.byteOffset + xAt * 4, rows, columns, factors.byteOffset + factorsAt * 4, LEAST_SCALED);
    },
  };
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
