/**
 * What watching a training for explosions costs, beside the step that is watched. `node bench/monitors.ts [--quick] [--json file]`.
 */
import type { Backend } from '../src/compute/backend.ts';
import { Random } from '../src/compute/random.ts';
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
import { rounded, roundedGrowth } from '../src/training/rounded.ts';
import { Updater } from '../src/training/updater.ts';
import { answerAlone } from './answer.ts';
import { type OwnSetting, openOwn, ownSettings } from './own/backends.ts';
import type { Question } from './question.ts';
import type { Missing } from './sides.ts';
import { median } from './statistics.ts';
import { absent, digits, plural, table } from './words.ts';
import { cells, O, type Workload, workloadName } from './workload.ts';

interface Watched {
  readonly workload: Workload;
  readonly setting: OwnSetting;
  /** Median milliseconds of a step without and with it, a share of a snapshot not among them. */
  readonly without: number;
  readonly with: number;
  /** Of a snapshot, over the updates from one to the next. */
  readonly snapshot: number;
  /** Median over pairs of neighbouring steps of (with - without) / without, and the snapshots' share. */
  readonly share: number;
  readonly pairs: number;
}

export interface MonitorsAnswer {
  readonly missing: readonly Missing[];
  readonly cases: readonly Watched[];
}

/** Updates between two snapshots (training/guard/snapshots.ts). */
const snapshotEvery = 50;

export const monitors: Question<MonitorsAnswer> = {
  name: 'monitors',
  title: 'Watching for explosions',
  async measure({ quick, say }) {
    const { settings, missing } = await ownSettings();
    for (const { who, why } of missing) say(`without ${who}: ${why}`);
    const cases: Watched[] = [];
    for (const setting of settings) {
      for (const cell of cells) {
        const found = watchedStep(await openOwn(setting.backend, setting.threads), cell, setting, quick ? 1 : 6);
        cases.push(found);
        say(`${cell}, ${setting.backend} ${setting.threads}: ${(100 * found.share).toFixed(2)}% of a step`);
      }
    }
    return { missing, cases };
  },
  section({ missing, cases }) {
    const most = cases.reduce((a, b) => (b.share > a.share ? b : a));
    const named = ({ setting: { backend, threads } }: Watched) => `${backend}, ${plural(threads, 'thread')}`;
    return `A training step (forward, backward, norm, clip, Adam; the loss at the last step) as it is, and with all that watches it (docs/exploding.md): the
norms of dL/ds_t on their way back and their growth, the norm of each parameter's gradient with running quantiles, the detector and the
guard, the line of what was measured, and a share of the snapshot that is taken every ${snapshotEvery} updates. One process, the two by turns,
step by step; the cost is the median over neighbouring pairs.${absent(missing)}

The most is ${(100 * most.share).toFixed(1)}% of a step (${most.workload.cell}, ${named(most)}).

${table(
  ['cell B, T, I, H', 'setting', 'step, ms', 'watched, ms', 'snapshot / 50, ms', 'cost of watching', 'pairs'],
  cases.map((each) => [
    workloadName(each.workload),
    named(each),
    digits(each.without),
    digits(each.with),
    digits(each.snapshot),
    `${(100 * each.share).toFixed(2)}%`,
    String(each.pairs),
  ]),
)}`;
  },
};

function watchedStep(backend: Backend, cell: Workload['cell'], setting: OwnSetting, seconds: number): Watched {
  const workload: Workload = { cell, B: 32, T: 100, I: 64, H: 128, loss: 'last' };
  const { B, T, I, H } = workload;
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
  const updater = new Updater(network.parameters, backend, trainingDefaults, network.bounded);
  const clip = clipOf({ globalNorm: 1 });
  const watch = new StateWatch(backend, network.L, B);
  const monitor = new GradientNorm(list.length);
  const guard = new Guard();
  let update = 0;
  let line = '';

  const step = (watched: boolean): number => {
    const began = performance.now();
    update++;
    unrolled.reset();
    if (watched) watch.reset();
    unrolled.forward(batch);
    const loss = unrolled.backward(losses.crossEntropy, watched ? { watch } : {});
    const norms = watched ? monitor.measure(backend, gradient, list) : null;
    const norm = norms ? norms.total : Math.sqrt(backend.sumSquares(gradient, 0, length));
    clip({ backend, gradient, length, norm });
    if (norms) {
      const growth = normGrowth(watch);
      const steps = { decrease: updater.decreaseOf(0.001, norm), readoutDecrease: updater.readoutDecreaseOf(0.001) };
      guard.judge(update, { loss, gradientNorm: norm, ...steps, firstDecrease: updater.firstDecreaseOf(0.001, update), growth });
      const parameters = Object.fromEntries(list.map(({ name }, index) => [name, rounded(norms.parameters[index])]));
      const [p50, p90, p99] = [0.5, 0.9, 0.99].map((q) => monitor.quantile(q));
      line = JSON.stringify({ parameters, throughTime: roundedGrowth(growth), p50, p90, p99 });
    }
    updater.apply(0.001, norm, update);
    network.changed();
    return performance.now() - began;
  };
  for (let i = 0; i < 20; i++) step(i % 2 === 0);
  if (!line.includes('p99')) throw new Error('a watched step leaves a line');
  const snapshots = Array.from({ length: 20 }, () => {
    const began = performance.now();
    for (const array of [values, ...updater.slots.map((slot) => slot.values)]) array.slice();
    return performance.now() - began;
  });
  const pairs: { plain: number; watched: number }[] = [];
  const began = performance.now();
  while (performance.now() - began < seconds * 1000) {
    // The order alternates too.
    const first = pairs.length % 2 === 0;
    const [a, b] = [step(first), step(!first)];
    pairs.push(first ? { plain: b, watched: a } : { plain: a, watched: b });
  }
  const without = median(pairs.map(({ plain }) => plain));
  const snapshot = median(snapshots) / snapshotEvery;
  return {
    ...{ workload, setting, without, with: median(pairs.map(({ watched }) => watched)), snapshot, pairs: pairs.length },
    share: median(pairs.map(({ plain, watched }) => (watched - plain) / plain)) + snapshot / without,
  };
}

if (import.meta.main) await answerAlone(monitors);
