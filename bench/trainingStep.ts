import type { Backend } from '../src/compute/backend.ts';
import { Random } from '../src/compute/random.ts';
import { wasmBackend } from '../src/compute/wasm/wasm.ts';
import { allocateBatch } from '../src/network/batch.ts';
import { losses } from '../src/network/loss/losses.ts';
import type { ModelOptions } from '../src/network/model.ts';
import { initialize, Network } from '../src/network/network.ts';
import { Unrolled } from '../src/network/unroll/unrolled.ts';
import { clipOf } from '../src/training/clip/clips.ts';
import { trainingDefaults } from '../src/training/options.ts';
import { Updater } from '../src/training/updater.ts';

/** One shape of the training step: B sequences, T steps, I inputs, H units. */
export interface StepShape {
  readonly cell: 'rnn' | 'lstm' | 'gru';
  readonly B: number;
  readonly T: number;
  readonly I: number;
  readonly H: number;
}

const O = 10;

/**
 * A whole training step: forward, read-out of H to 10 with softmax cross-entropy at the last step (or at every step),
 * backward, global-norm clip at 1, Adam. Returns a function that makes one, on random data.
 */
export function trainingStep(backend: Backend, { cell, B, T, I, H }: StepShape, everyStep = false): () => number {
  const model: ModelOptions = { cell, hiddenSize: H };
  const network = new Network(backend, model, { kind: 'vectors', size: I }, O);
  initialize(network, model, 0);
  const unrolled = new Unrolled(network, T, B);
  const batch = allocateBatch(backend, network.input, { kind: 'classes', size: O }, T, B);
  const random = new Random(1);
  for (let i = 0; i < T * B * I; i++) batch.vectors[i] = random.normal();
  for (let row = everyStep ? 0 : (T - 1) * B; row < T * B; row++) {
    batch.rows[batch.counted] = row;
    batch.classes[batch.counted++] = random.below(O);
  }
  const updater = new Updater(network.parameters, backend, trainingDefaults);
  const clip = clipOf({ globalNorm: 1 });
  const { gradient, length } = network.parameters;
  let step = 0;
  return () => {
    unrolled.reset();
    unrolled.forward(batch);
    const loss = unrolled.backward(losses.crossEntropy);
    const norm = Math.sqrt(backend.sumSquares(gradient, 0, length));
    clip({ backend, gradient, length, norm });
    updater.apply(0.001, norm, ++step);
    network.changed();
    return loss;
  };
}

/** Floating-point operations of the matrix products of one step; the gradient of the first layer's input is not needed. */
export function stepFlops({ cell, B, T, I, H }: StepShape): number {
  const G = { rnn: 1, gru: 3, lstm: 4 }[cell];
  return 2 * B * T * G * H * (2 * I + 3 * H);
}

if (import.meta.main) {
  const [cell = 'lstm', B = 32, T = 100, I = 64, H = 128] = process.argv
    .slice(2)
    .map((word) => (Number(word) ? Number(word) : word)) as never[];
  const shape = { cell, B, T, I, H } as StepShape;
  const step = trainingStep(await wasmBackend(), shape);
  const times: number[] = [];
  const began = performance.now();
  for (let i = 0; i < 5; i++) step();
  while (times.length < 200 && performance.now() - began < 6000) {
    const start = performance.now();
    step();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const median = times[times.length >> 1];
  console.log(
    JSON.stringify({
      peer: 'throughtime',
      ...shape,
      threads: 1,
      ms_per_step: median,
      ms_min: times[0],
      n: times.length,
      gflops: stepFlops(shape) / median / 1e6,
    }),
  );
}
