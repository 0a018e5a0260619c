import { Random } from '../src/compute/random.ts';
import { wasmBackend } from '../src/compute/wasm/wasm.ts';
import { GradientNorm } from '../src/monitor/gradientNorm.ts';
import { normGrowth } from '../src/monitor/normGrowth.ts';
import { allocateBatch } from '../src/network/batch.ts';
import { losses } from '../src/network/loss/losses.ts';
import type { ModelOptions } from '../src/network/model.ts';
import { initialize, Network } from '../src/network/network.ts';
import { StateWatch } from '../src/network/unroll/stateWatch.ts';
import { Unrolled } from '../src/network/unroll/unrolled.ts';
import { clipOf } from '../src/training/clip/clips.ts';
import { Guard } from '../src/training/guard/guard.ts';
import { trainingDefaults } from '../src/training/options.ts';
import { Updater } from '../src/training/updater.ts';

/** What watching a training for explosions costs, beside the step that is watched. */
export interface MonitorsResult {
  readonly cell: string;
  /** Median milliseconds of processor time of a step without and with it. */
  readonly without: number;
  readonly with: number;
  /** Median over pairs of neighbouring steps of (with - without) / without. */
  readonly share: number;
  readonly pairs: number;
}

const [B, T, I, H, O] = [32, 100, 64, 128, 10];
/** Updates between two snapshots (training/guard/snapshots.ts). */
const snapshotEvery = 50;

/**
 * One training step at B 32, T 100, I 64, H 128 (forward, backward, norm, clip, Adam) by turns as it is and with all that watches it: the
 * norms of dL/ds_t on their way back and their growth, the norm of each parameter's gradient and running quantiles, the detector and the
 * guard, and a share of a snapshot. In one process and in turns, so that what slows the machine slows both.
 */
export async function benchMonitors(cell: 'rnn' | 'lstm' | 'gru', seconds = 10): Promise<MonitorsResult> {
  const backend = await wasmBackend();
  const model: ModelOptions = { cell, hiddenSize: H };
  const network = new Network(backend, model, { kind: 'vectors', size: I }, O);
  initialize(network, model, 0);
  const unrolled = new Unrolled(network, T, B);
  const batch = allocateBatch(backend, network.input, { kind: 'classes', size: O }, T, B);
  const random = new Random(1);
  for (let i = 0; i < T * B * I; i++) batch.vectors[i] = random.normal();
  for (let row = (T - 1) * B; row < T * B; row++) {
    batch.rows[batch.counted] = row;
    batch.classes[batch.counted++] = random.below(O);
  }
  const { gradient, length, list, values } = network.parameters;
  const updater = new Updater(network.parameters, backend, trainingDefaults);
  const clip = clipOf({ globalNorm: 1 });
  const watch = new StateWatch(backend, network.L, B);
  const monitor = new GradientNorm(list.length);
  const guard = new Guard();
  let update = 0;

  const step = (watched: boolean): number => {
    const began = processorTime();
    update++;
    unrolled.reset();
    unrolled.forward(batch);
    const loss = unrolled.backward(losses.crossEntropy, watched ? { watch } : {});
    const norms = watched ? monitor.measure(backend, gradient, list) : null;
    const norm = norms ? norms.total : Math.sqrt(backend.sumSquares(gradient, 0, length));
    clip({ backend, gradient, length, norm });
    if (norms) {
      watch.reset();
      guard.judge(update, { loss, gradientNorm: norm, growth: normGrowth(watch) });
      Object.fromEntries(list.map(({ name }, index) => [name, Number(norms.parameters[index].toPrecision(6))]));
    }
    updater.apply(0.001, norm, update);
    network.changed();
    return processorTime() - began;
  };
  for (let i = 0; i < 6; i++) step(i % 2 === 0);
  const snapshots: number[] = [];
  for (let i = 0; i < 20; i++) {
    const began = processorTime();
    for (const array of [values, ...updater.slots.map((slot) => slot.values)]) array.slice();
    snapshots.push((processorTime() - began) / snapshotEvery);
  }
  const pairs: [number, number][] = [];
  const began = performance.now();
  while (performance.now() - began < seconds * 1000) {
    // The order alternates too.
    const first = pairs.length % 2 === 0;
    const [a, b] = [step(first), step(!first)];
    pairs.push(first ? [b, a] : [a, b]);
  }
  const share = median(pairs.map(([plain, watched]) => (watched - plain) / plain));
  const without = median(pairs.map(([plain]) => plain));
  return {
    cell,
    without,
    with: median(pairs.map(([, watched]) => watched)),
    share: share + median(snapshots) / without,
    pairs: pairs.length,
  };
}

/** Milliseconds that this process has had a processor for: what others do on the machine is not in it. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

if (import.meta.main) {
  for (const cell of ['rnn', 'lstm', 'gru'] as const) console.log(JSON.stringify(await benchMonitors(cell)));
}
