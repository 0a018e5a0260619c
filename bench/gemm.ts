/**
 * How close the packed matrix product comes to the processor's ceiling for 128-bit WebAssembly SIMD, twelve independent multiply-adds
 * held in registers; and what `sgemm` of a BLAS reaches on the same machine. All take turns, so that a change of the clock moves
 * them together. `node bench/gemm.ts [--quick] [--json file]`.
 */

import { Random } from '../src/compute/random.ts';
import { wasmBackend } from '../src/compute/wasm/wasm.ts';
import { answerAlone } from './answer.ts';
import { ceilingRun } from './own/ceiling.ts';
import { squareSize } from './own/product.ts';
import { Pytorch, type PytorchSetting, pytorchAdvice } from './peers/pytorch.ts';
import type { Question } from './question.ts';
import { median } from './statistics.ts';
import { digits, percent, plural, table } from './words.ts';

interface Shape {
  readonly name: string;
  readonly M: number;
  readonly K: number;
  readonly N: number;
  /** `product` with a packed right-hand side, or `gradient`, the sum over K rows of two unpacked matrices. */
  readonly kind: 'product' | 'gradient';
}

const shapes: readonly Shape[] = [
  { name: 'square', kind: 'product', M: 512, K: 512, N: 512 },
  { name: 'recurrent step, LSTM 128', kind: 'product', M: 32, K: 128, N: 512 },
  { name: 'input of 100 steps', kind: 'product', M: 3200, K: 64, N: 512 },
  { name: 'weight gradient of 100 steps', kind: 'gradient', M: 512, K: 3200, N: 128 },
  { name: 'weight gradient, I = 2', kind: 'gradient', M: 512, K: 3200, N: 2 },
  { name: 'weight gradient, I = 16', kind: 'gradient', M: 512, K: 3200, N: 16 },
  { name: 'weight gradient, I = 32', kind: 'gradient', M: 512, K: 3200, N: 32 },
  { name: 'weight gradient, I = 64', kind: 'gradient', M: 512, K: 3200, N: 64 },
  { name: 'read-out gradient, O = 1', kind: 'gradient', M: 1, K: 3200, N: 128 },
  { name: 'recurrent step, LSTM 256', kind: 'product', M: 64, K: 256, N: 1024 },
  { name: 'recurrent step backward', kind: 'product', M: 32, K: 512, N: 128 },
  { name: 'one row', kind: 'product', M: 1, K: 128, N: 512 },
];

export interface GemmAnswer {
  readonly detail: string;
  /** GFLOP/s of the ceiling on one core. */
  readonly ceiling: number;
  /** GFLOP/s of each product, and which fraction of the ceiling that is. */
  readonly results: readonly (Shape & { readonly gflops: number; readonly share: number })[];
  /** GFLOP/s of PyTorch's BLAS on large square matrices, at its best setting for each number of threads. */
  readonly sgemm: readonly { readonly setting: PytorchSetting; readonly gflops: number }[];
  /** Why there is no `sgemm`. */
  readonly missing?: string;
}

/** Nanoseconds that each of the two measurements of a turn lasts, about. */
const SLICE = 4e6;
const WARM_UP = 3e8;

export const gemm: Question<GemmAnswer> = {
  name: 'gemm',
  title: 'The matrix product',
  async measure({ quick, say }) {
    const pytorch = await Pytorch.open(say);
    if (!pytorch) say(`without sgemm: ${pytorchAdvice}`);
    try {
      return await measured(quick ? 8 : 25, pytorch);
    } finally {
      pytorch?.close();
    }
  },
  section({ detail, ceiling, results, sgemm, missing }) {
    const rows = results.map(({ name, M, K, N, gflops, share }) => [name, ...[M, K, N].map(String), digits(gflops), percent(share)]);
    const rates = sgemm.map(({ setting: { threads, core, build }, gflops }) => {
      return `${digits(gflops)} GFLOP/s with ${plural(threads, 'thread')} (${core}, ${build})`;
    });
    const blas =
      sgemm.length === 0
        ? `No BLAS beside it: ${missing}.`
        : `\`sgemm\` of PyTorch's OpenBLAS at its best, ${squareSize} x ${squareSize}: ${rates.join(', ')}.`;
    return `The \`wasm\` backend here: ${detail}. Its ceiling, ${digits(ceiling)} GFLOP/s, is what twelve independent multiply-adds in registers
reach on one core in the same turns. ${blas}

${table(['shape', 'M', 'K', 'N', 'GFLOP/s', 'of the ceiling'], rows)}`;
  },
};

/** Medians over the turns; the ceiling is the median of its own measurements, a turn after each product's. */
async function measured(turns: number, pytorch: Pytorch | undefined): Promise<GemmAnswer> {
  const { detail } = await wasmBackend();
  const ceiling = await ceilingRun(2000);
  const runs = await Promise.all(shapes.map(shapeRun));
  const calls = runs.map(({ run }) => callsPerSlice(run));
  const ceilingCalls = callsPerSlice(ceiling.run);
  const peaks = pytorch ? await pytorch.peaks() : [];
  const times: number[][] = shapes.map(() => []);
  const ceilingTimes: number[] = [];
  const peakTimes: number[][] = peaks.map(() => []);
  for (let turn = 0; turn < turns; turn++) {
    for (let i = 0; i < runs.length; i++) {
      times[i].push(timePerCall(runs[i].run, calls[i]));
      ceilingTimes.push(timePerCall(ceiling.run, ceilingCalls));
    }
    for (const [i, peak] of peaks.entries()) peakTimes[i].push(median((await peak.steps(3)).milliseconds));
  }
  const highest = ceiling.operations / median(ceilingTimes);
  return {
    detail,
    ceiling: highest,
    results: shapes.map((shape, i) => {
      const gflops = runs[i].operations / median(times[i]);
      return { ...shape, gflops, share: gflops / highest };
    }),
    sgemm: peaks.map(({ setting }, i) => ({ setting, gflops: (2 * squareSize ** 3) / median(peakTimes[i]) / 1e6 })),
    ...(pytorch ? {} : { missing: pytorchAdvice }),
  };
}

interface Run {
  readonly run: () => void;
  /** Floating-point operations of one call. */
  readonly operations: number;
}

async function shapeRun({ kind, M, K, N }: Shape): Promise<Run> {
  const backend = await wasmBackend();
  const random = new Random(1);
  const filled = (length: number) => {
    const values = backend.allocate(length);
    for (let i = 0; i < length; i++) values[i] = random.normal();
    return values;
  };
  const operations = 2 * M * K * N;
  const a = filled(M * K);
  const b = filled(K * N);
  const c = backend.allocate(M * N);
  if (kind === 'gradient') return { run: () => backend.multiplyTransposed(a, 0, M, b, 0, N, M, N, K, c, 0, N), operations };
  const packed = backend.allocatePacked(K, N);
  backend.pack(b, 0, N, 1, packed);
  return { run: () => backend.multiply(a, 0, K, M, packed, c, 0, N, false), operations };
}

/** Warms up until the engine has compiled everything at its best, and says how many calls fill a slice. */
function callsPerSlice(run: () => void): number {
  const start = process.hrtime.bigint();
  let calls = 0;
  while (Number(process.hrtime.bigint() - start) < WARM_UP) {
    run();
    calls++;
  }
  return Math.max(1, Math.round(SLICE / timePerCall(run, Math.max(1, Math.round(calls / 20)))));
}

function timePerCall(run: () => void, calls: number): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) run();
  return Number(process.hrtime.bigint() - start) / calls;
}

if (import.meta.main) await answerAlone(gemm);
