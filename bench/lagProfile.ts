/** What a lag profile costs beside a training step. Run it by itself, or through `npm run bench`. */
import type { Backend } from '../src/compute/backend.ts';
import { Random } from '../src/compute/random.ts';
import { wasmBackend } from '../src/compute/wasm/wasm.ts';
import { lagGradients } from '../src/monitor/lagProfile.ts';
import { allocateBatch } from '../src/network/batch.ts';
import { losses } from '../src/network/loss/losses.ts';
import { initialize, Network } from '../src/network/network.ts';
import { Unrolled } from '../src/network/unroll/unrolled.ts';
import { type StepShape, trainingStep } from './trainingStep.ts';

const O = 10;
const rounds = 9;

/** A complete profile of random data with a target at every step: all lags of all T probe steps of all B sequences. */
function completeProfile(backend: Backend, { cell, B, T, I, H }: StepShape): () => number {
  const model = { cell, hiddenSize: H };
  const network = new Network(backend, model, { kind: 'vectors', size: I }, O);
  initialize(network, model, 0);
  const unrolled = new Unrolled(network, T, B);
  const batch = allocateBatch(backend, network.input, { kind: 'classes', size: O }, T, B);
  const random = new Random(1);
  for (let i = 0; i < T * B * I; i++) batch.vectors[i] = random.normal();
  return () => {
    for (let row = 0; row < T * B; row++) {
      batch.rows[row] = row;
      batch.classes[row] = row % O;
    }
    batch.counted = T * B;
    return lagGradients(unrolled, batch, losses.crossEntropy, T).length;
  };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

function milliseconds(work: () => unknown): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}

export interface ProfileCost {
  readonly shape: StepShape;
  readonly threads: number;
  /** Medians, and the median of their ratio round by round. */
  readonly stepMilliseconds: number;
  readonly profileMilliseconds: number;
  readonly steps: number;
}

/** A complete profile in training steps, both measured in turn. */
export async function benchLagProfile(shape: StepShape, threads: number): Promise<ProfileCost> {
  const backend = await wasmBackend({ threads });
  const step = trainingStep(backend, shape, true);
  const profile = completeProfile(backend, shape);
  for (let i = 0; i < 3; i++) step();
  profile();
  const steps: number[] = [];
  const profiles: number[] = [];
  for (let round = 0; round < rounds; round++) {
    steps.push(median(Array.from({ length: 5 }, () => milliseconds(step))));
    profiles.push(milliseconds(profile));
  }
  return {
    shape,
    threads,
    stepMilliseconds: median(steps),
    profileMilliseconds: median(profiles),
    steps: median(profiles.map((each, round) => each / steps[round])),
  };
}

if (import.meta.main) {
  for (const threads of [1, 2]) {
    for (const cell of ['lstm', 'gru', 'rnn'] as const) {
      const cost = await benchLagProfile({ cell, B: 32, T: 100, I: 64, H: 128 }, threads);
      console.log(JSON.stringify(cost));
    }
  }
}
