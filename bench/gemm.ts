/**
 * How close the packed matrix product comes to the processor's ceiling for 128-bit WebAssembly SIMD. The ceiling, twelve
 * independent multiply-adds held in registers, is measured in the same run, in turns with the products, so that a change
 * of the clock moves both. `node bench/gemm.ts [--json]`.
 */

import { Random } from '../src/compute/random.ts';
import { reservedBytes } from '../src/compute/wasm/kernels.generated.ts';
import { compileKernels, instantiateKernels } from '../src/compute/wasm/kernels.ts';
import { wasmBackend } from '../src/compute/wasm/wasm.ts';

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

export interface GemmResult extends Shape {
  readonly gflops: number;
  /** Fraction of the ceiling. */
  readonly share: number;
}

export interface GemmReport {
  readonly detail: string;
  /** GFLOP/s of the ceiling. */
  readonly ceiling: number;
  readonly results: readonly GemmResult[];
}

/** Nanoseconds that each of the two measurements of a turn lasts, about. */
const SLICE = 4e6;
const TURNS = 25;
const WARM_UP = 3e8;

/** Medians over the turns; the ceiling is the median of its own measurements, a turn after each product's. */
export async function benchGemm(): Promise<GemmReport> {
  const { detail } = await wasmBackend();
  const ceiling = await ceilingRun();
  const runs = await Promise.all(shapes.map(shapeRun));
  const calls = runs.map(({ run }) => callsPerSlice(run));
  const ceilingCalls = callsPerSlice(ceiling.run);
  const times: number[][] = shapes.map(() => []);
  const ceilingTimes: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    for (let i = 0; i < runs.length; i++) {
      times[i].push(timePerCall(runs[i].run, calls[i]));
      ceilingTimes.push(timePerCall(ceiling.run, ceilingCalls));
    }
  }
  const highest = ceiling.operations / median(ceilingTimes);
  const results = shapes.map((shape, i) => {
    const gflops = runs[i].operations / median(times[i]);
    return { ...shape, gflops, share: gflops / highest };
  });
  return { detail, ceiling: highest, results };
}

interface Run {
  readonly run: () => void;
  /** Floating-point operations of one call. */
  readonly operations: number;
}

async function ceilingRun(): Promise<Run> {
  const { module } = await compileKernels();
  const memory = new WebAssembly.Memory({ initial: reservedBytes / 65536, maximum: 65536, shared: true });
  const kernels = await instantiateKernels(module, memory);
  const rounds = 2000;
  // 12 vectors of 4 lanes, a multiplication and an addition each.
  return { run: () => kernels.multiplyAddCeiling(rounds, 0.999, 1e-3), operations: 96 * rounds };
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

function median(values: number[]): number {
  const sorted = values.toSorted((x, y) => x - y);
  return sorted[sorted.length >> 1];
}

/** The report as a table, one line a shape. */
export function gemmTable({ detail, ceiling, results }: GemmReport): string {
  const lines = [`${detail}: ceiling ${ceiling.toFixed(1)} GFLOP/s on one core`];
  lines.push(
    `${'shape'.padEnd(30)}${'M'.padStart(6)}${'K'.padStart(6)}${'N'.padStart(6)}${'GFLOP/s'.padStart(10)}${'of ceiling'.padStart(12)}`,
  );
  for (const { name, M, K, N, gflops, share } of results) {
    const sizes = [M, K, N].map((size) => String(size).padStart(6)).join('');
    lines.push(`${name.padEnd(30)}${sizes}${gflops.toFixed(1).padStart(10)}${`${(100 * share).toFixed(0)} %`.padStart(12)}`);
  }
  return lines.join('\n');
}

if (import.meta.main) {
  const report = await benchGemm();
  console.log(process.argv.includes('--json') ? JSON.stringify(report, null, 2) : gemmTable(report));
}
