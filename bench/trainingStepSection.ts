import { type Case, fastest, gflops, operations, type Recorded, type Who } from './sides.ts';
import { geometricMean, median, ratio, type Timing, unsteady } from './statistics.ts';
import type { TrainingStepAnswer, TrainingStepCase } from './trainingStep.ts';
import { absent, digits, listed, percent, plural, table } from './words.ts';
import { workloadName } from './workload.ts';

const peers = ['PyTorch', 'TensorFlow.js', 'jax-js'] as const satisfies readonly Who[];

/** The section of docs/performance.md about the training step. */
export function trainingStepSection({ missing, cases }: TrainingStepAnswer): string {
  return [
    `Forward, read-out to 10 classes with cross-entropy at the last step, backward, clip of the global norm, Adam, in float32. Milliseconds
a step, medians. The sides take turns (A B C, A B C, ...), each in a process of its own that stays warm; a slow side sits some
rounds out. A ratio is the median over the rounds of the peer's time divided by that of our fastest setting: above 1, ours is faster.
\`~\` marks a median more than a quarter above the fastest step: something else was at work, which slows down two threads that wait for
each other more than one. The fastest steps suffer least from that, so their ratio stands beside the medians'.${absent(missing)}`,
    words(cases),
    ratioTable(cases),
    failures(cases),
    'PyTorch, as the fastest of these: with one thread and with two, each with the core type and the build of OpenBLAS that did best in a\nsearch. Where the gradient sinks into denormal numbers (400 steps), the faster of flushing them and not.',
    settingTable(cases),
    rateWords(cases),
    rateTable(cases),
    `<details><summary>Every side, every figure</summary>\n\n${everything(cases)}\n\n</details>`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** How many times as long a peer takes as ours. */
interface Ratio {
  readonly value: number;
  /** By the fastest step of all settings of either: what it would be on a machine that does nothing else, almost. */
  readonly undisturbed: number;
}

/** Undefined where one of the two has no figure. */
function ratioTo({ sides }: Case, who: Who): Ratio | undefined {
  const [ours] = fastest(sides, 'ours');
  const [peer] = fastest(sides, who);
  if (!ours || !peer) return undefined;
  const least = (of: Who) => Math.min(...fastest(sides, of).map(({ timing }) => timing.min));
  return { value: ratio(peer.timing, ours.timing), undisturbed: least(who) / least('ours') };
}

/** The same by the fastest step of each side alone. */
function lowest(values: readonly number[]): string {
  return `By the fastest steps: geometric mean ${digits(geometricMean(values))}, least ${digits(Math.min(...values))}.`;
}

/** Where we are ahead and where behind, a line for each peer. */
function words(cases: readonly TrainingStepCase[]): string {
  return peers
    .flatMap((who) => {
      const all = cases
        .flatMap((each) => {
          const found = ratioTo(each, who);
          return found ? [{ name: workloadName(each.workload), ...found }] : [];
        })
        .toSorted((a, b) => a.value - b.value);
      if (all.length === 0) return [];
      const behind = all.filter(({ value }) => value < 1);
      const [least] = all;
      const lost = behind.map(({ name, value }) => `${name} (${digits(value)})`);
      const rest = behind.length > 0 ? `behind in ${listed(lost)}` : `least in ${least.name} (${digits(least.value)})`;
      const mean = geometricMean(all.map(({ value }) => value));
      const undisturbed = lowest(all.map((each) => each.undisturbed));
      return [
        `- **${who}**: ahead in ${all.length - behind.length} of ${all.length} cases, geometric mean ${digits(mean)}; ${rest}. ${undisturbed}`,
      ];
    })
    .join('\n');
}

const shown = (timing: Timing | undefined) => (timing ? `${unsteady(timing) ? '~' : ''}${digits(timing.median)}` : '');

/** `wasm, 1 thread`, for each setting of ours that occurs. */
function ownNames(cases: readonly TrainingStepCase[]): string[] {
  const names = cases.flatMap(({ sides }) => sides.filter(({ who }) => who === 'ours').map(ownName));
  return [...new Set(names)];
}

const ownName = ({ setting: { backend, threads } }: Recorded) => `${backend}, ${plural(threads ?? 1, 'thread')}`;

function ratioTable(cases: readonly TrainingStepCase[]): string {
  const own = ownNames(cases);
  const present = peers.filter((who) => cases.some(({ sides }) => sides.some((side) => side.who === who)));
  const rows = cases.map((each) => {
    const { workload, sides } = each;
    const ours = own.map((name) => cell(sides.find((side) => side.who === 'ours' && ownName(side) === name)));
    const theirs = present.map((who) => cell(fastest(sides, who)[0] ?? sides.find((side) => side.who === who)));
    const quotients = present.map((who) => {
      const found = ratioTo(each, who);
      return found ? `**${digits(found.value)}** (${digits(found.undisturbed)})` : '';
    });
    return [workloadName(workload), ...ours, ...theirs, ...quotients];
  });
  return table(['cell B, T, I, H', ...own, ...present, ...present.map((who) => `${who} / ours (fastest steps)`)], rows);
}

const cell = (side: Recorded | undefined) => (side?.failed === undefined ? shown(side?.timing) : 'none');

/** Why a figure is not there. */
function failures(cases: readonly TrainingStepCase[]): string {
  const reasons = new Map<string, string[]>();
  for (const { workload, sides } of cases) {
    for (const side of sides.filter(({ failed }) => failed !== undefined)) {
      const who = side.who === 'ours' ? `ours (${ownName(side)})` : side.who;
      const reason = `${who}: ${side.failed}`;
      reasons.set(reason, [...(reasons.get(reason) ?? []), workloadName(workload)]);
    }
  }
  return [...reasons].map(([reason, names]) => `- No figure for ${reason}. (${names.join('; ')})`).join('\n');
}

/** PyTorch's best in each case, and the other settings that were measured to the end. */
function settingTable(cases: readonly TrainingStepCase[]): string {
  const rows = cases.flatMap(({ workload, sides }) =>
    fastest(sides, 'PyTorch').map(({ setting: { threads, core, build, flush }, timing }, place) => [
      place === 0 ? workloadName(workload) : '',
      plural(threads ?? 1, 'thread'),
      `${core}, ${build}`,
      flush ? 'flushed' : 'as they are',
      shown(timing),
    ]),
  );
  return rows.length === 0 ? '' : table(['cell B, T, I, H', 'PyTorch', 'OpenBLAS', 'denormals', 'ms'], rows);
}

/** What the processor reached in the same run, over all cases. */
function rateWords(cases: readonly TrainingStepCase[]): string {
  const peak = (who: 'simd' | 'sgemm', threads: number) => {
    const rates = cases.flatMap((each) => peakOf(each, who, threads) ?? []);
    return rates.length > 0 ? digits(median(rates)) : '';
  };
  const both = (who: 'simd' | 'sgemm') => `${peak(who, 1)} GFLOP/s with one thread and ${peak(who, 2)} with two`;
  const sgemm = peak('sgemm', 1) === '' ? '' : ` and \`sgemm\` of the fastest BLAS on 1024 x 1024 matrices (${both('sgemm')})`;
  return `What the matrix products of a step reach (2·B·T·G·H·(2I + 3H) operations, G = 1, 3, 4 for rnn, gru, lstm), and how much that is of the
machine's peak, the fastest step in the same turns with as many threads: 128-bit SIMD (${both('simd')}; the peak of \`wasm\`)${sgemm}${sgemm === '' ? '' : '; the peak of everything else'}.`;
}

/** GFLOP/s of the fastest step of all that stand for the machine's peak with so many threads. */
function peakOf({ workload, sides }: Case, who: 'simd' | 'sgemm', threads: number): number | undefined {
  const peaks = fastest(sides, who).filter(({ setting }) => setting.threads === threads);
  return peaks.length === 0 ? undefined : Math.max(...peaks.map((peak) => operations(peak, workload) / peak.timing.min / 1e6));
}

function rateTable(cases: readonly TrainingStepCase[]): string {
  const own = ownNames(cases);
  const withPytorch = cases.some(({ sides }) => fastest(sides, 'PyTorch').length > 0);
  const rows = cases.map(({ workload, sides }) => {
    const rate = (side: Recorded | undefined) => {
      const reached = side && gflops(side, workload);
      if (!side || reached === undefined) return '';
      const wanted = side.who === 'ours' && side.setting.backend === 'wasm' ? 'simd' : 'sgemm';
      const highest = peakOf({ workload, sides }, wanted, side.setting.threads ?? 1);
      return highest === undefined ? digits(reached) : `${digits(reached)} (${percent(reached / highest)})`;
    };
    const ours = own.map((name) => rate(sides.find((side) => side.who === 'ours' && ownName(side) === name)));
    return [workloadName(workload), ...ours, ...(withPytorch ? [rate(fastest(sides, 'PyTorch')[0])] : [])];
  });
  return table(['GFLOP/s (of the peak)', ...own, ...(withPytorch ? ['PyTorch'] : [])], rows);
}

function everything(cases: readonly TrainingStepCase[]): string {
  const rows = cases.flatMap(({ workload, sides }) =>
    sides
      .filter((side): side is Recorded & { timing: Timing } => side.timing !== undefined)
      .map(({ who, setting, timing }) => [
        workloadName(workload),
        [who, ...Object.entries(setting).flatMap(([key, value]) => (key === 'loss' ? [] : [`${key} ${value}`]))].join(', '),
        ...[timing.median, timing.min, timing.max].map(digits),
        String(timing.rounds.length),
        String(timing.steps),
        timing.cores.toFixed(1),
      ]),
  );
  return table(['cell B, T, I, H', 'side', 'median', 'min', 'max', 'turns', 'steps', 'cores busy'], rows);
}
