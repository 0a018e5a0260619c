/**
 * The processor's ceiling for 128-bit WebAssembly SIMD: twelve independent multiply-adds held in registers. As a process of so many
 * threads, `node bench/own/ceiling.ts <threads>`: a step is STEP_OPERATIONS in each of them at once, and takes as long as the slowest.
 */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { reservedBytes } from '../../src/compute/wasm/kernels.generated.ts';
import { compileKernels, instantiateKernels } from '../../src/compute/wasm/kernels.ts';
import { serve } from '../serve.ts';

/** Loops of one call, about 7 ms. */
const ROUNDS = 4_000_000;
/** Floating-point operations of one step in one thread: 12 vectors of 4 lanes, a multiplication and an addition each. */
export const STEP_OPERATIONS = 96 * ROUNDS;

/** The loop, and the operations of one call with so many `rounds`. */
export async function ceilingRun(rounds: number): Promise<{ run: () => number; operations: number }> {
  const { module } = await compileKernels();
  const memory = new WebAssembly.Memory({ initial: reservedBytes / 65536, maximum: 65536, shared: true });
  const kernels = await instantiateKernels(module, memory);
  return { run: () => kernels.multiplyAddCeiling(rounds, 0.999, 1e-3), operations: 96 * rounds };
}

/** Has the loop run in this thread and in each of the workers at once. */
async function everywhere(run: () => number, workers: readonly Worker[]): Promise<number> {
  const done = workers.map((worker) => new Promise((resolve) => worker.once('message', resolve)));
  for (const worker of workers) worker.postMessage('run');
  run();
  await Promise.all(done);
  return 0;
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  const { run } = await ceilingRun(ROUNDS);
  port.on('message', () => {
    run();
    port.postMessage('done');
  });
} else if (import.meta.main) {
  const { run } = await ceilingRun(ROUNDS);
  const workers = Array.from({ length: Number(process.argv[2]) - 1 }, () => new Worker(new URL(import.meta.url)));
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('online', resolve))));
  await serve('', async () => () => everywhere(run, workers));
}
