/** What a lag profile, and the default set of monitors, cost beside a training step. `node bench/lagProfile.ts [threads]`. */
import type { Backend } from '../src/compute/backend.ts';
import { Random } from '../src/compute/random.ts';
import { wasmBackend } from '../src/compute/wasm/wasm.ts';
import { makeTask } from '../src/data/task/tasks.ts';
import { lagGradients } from '../src/monitor/lagProfile.ts';
import { defaultMonitors } from '../src/monitor/monitors.ts';
import { allocateBatch } from '../src/network/batch.ts';
import { losses } from '../src/network/loss/losses.ts';
import { initialize, Network } from '../src/network/network.ts';
import { Unrolled } from '../src/network/unroll/unrolled.ts';
import { trainingDefaults } from '../src/training/options.ts';
import { Profiler } from '../src/training/profiler.ts';
import { Trainer } from '../src/training/trainer.ts';
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

export interface MonitorsCost {
  readonly name: string;
  readonly threads: number;
  /** A look of the default monitors in training steps: measured, and as they say. */
  readonly steps: number;
  readonly declared: number;
  /** Updates between two looks of a training of 2000. */
  readonly every: number;
  /** Share of the training's time that the looks take. */
  readonly share: number;
}

/** What the default monitors cost in a training of 2000 updates with a batch of 32. */
export async function benchMonitors(
  { name, cell, H, T, read }: { name: string; cell: 'rnn' | 'lstm' | 'gru'; H: number; T: number; read: 'last' | 'every' },
  threads: number,
): Promise<MonitorsCost> {
  const backend = await wasmBackend({ threads });
  const task = { kind: 'task', name: 'recall', lag: T - 1, length: T, symbols: 64, trainSequences: 64, validationSequences: 1 } as const;
  const { train } = makeTask(read === 'last' ? task : { ...task, lag: 0, read });
  const model = { cell, hiddenSize: H };
  const network = new Network(backend, model, train.input, train.target.size);
  initialize(network, model, 0);
  const trainer = new Trainer(network, train, trainingDefaults);
  const profiler = new Profiler(trainer, defaultMonitors);
  for (let i = 0; i < 3; i++) {
    trainer.step();
    profiler.take();
  }
  const ratios = Array.from({ length: rounds }, () => {
    const step = median(Array.from({ length: 9 }, () => milliseconds(() => trainer.step())));
    return milliseconds(() => profiler.take()) / step;
  });
  const steps = median(ratios);
  const { every, cost } = profiler;
  const looks = 1 + Math.ceil(trainingDefaults.updates / every);
  return { name, threads, steps, declared: cost, every, share: (looks * steps) / (trainingDefaults.updates + looks * steps) };
}

if (import.meta.main) {
  const threads = Number(process.argv[2] ?? 1);
  for (const cell of ['lstm', 'gru', 'rnn'] as const) {
    console.log(JSON.stringify(await benchLagProfile({ cell, B: 32, T: 100, I: 64, H: 128 }, threads)));
  }
  for (const shape of [
    { name: 'LSTM 128, 100 steps, a target at every step', cell: 'lstm', H: 128, T: 100, read: 'every' },
    { name: 'LSTM 128, 100 steps, a target at the last step', cell: 'lstm', H: 128, T: 100, read: 'last' },
    { name: 'GRU 64, 400 steps, a target at the last step', cell: 'gru', H: 64, T: 400, read: 'last' },
    { name: 'tanh 32, 20 steps, a target at the last step', cell: 'rnn', H: 32, T: 20, read: 'last' },
  ] as const) {
    console.log(JSON.stringify(await benchMonitors(shape, threads)));
  }
}
