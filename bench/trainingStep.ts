/**
 * How long one whole training step takes: forward, read-out to 10 with softmax cross-entropy at the last step, backward, clip of the
 * global norm, Adam, in float32. Ours with every backend and thread count against PyTorch at its best setting, TensorFlow.js and
 * jax-js, and against what the processor can do. `node bench/trainingStep.ts [--quick] [--json file]`.
 */
import { paces } from './alternate.ts';
import { answerAlone } from './answer.ts';
import { type OwnSetting, ownSettings } from './own/backends.ts';
import { installNpmPeers, npmPeers } from './peers/npmPeers.ts';
import { Pytorch, pytorchAdvice, type Trial } from './peers/pytorch.ts';
import type { Effort, Question } from './question.ts';
import {
  type Case,
  compare,
  type Entrant,
  fastest,
  type Missing,
  npmEntrant,
  ownEntrants,
  pytorchEntrant,
  type Recorded,
  sgemmEntrants,
  simdEntrants,
} from './sides.ts';
import { ratio } from './statistics.ts';
import { trainingStepSection } from './trainingStepSection.ts';
import { digits } from './words.ts';
import { stepOperations, type Workload, workloadName, workloads } from './workload.ts';

export interface TrainingStepCase extends Case {
  /** PyTorch's settings in the search for its best, the fastest first. */
  readonly trials: readonly Trial[];
}

export interface TrainingStepAnswer {
  readonly missing: readonly Missing[];
  readonly cases: readonly TrainingStepCase[];
}

/** Operations of the largest step that a quick run asks of TensorFlow.js and jax-js. */
const QUICK = 3e9;
const leftOut = 'not asked in a quick run';

export const trainingStep: Question<TrainingStepAnswer> = {
  name: 'trainingStep',
  title: 'One training step, and the same step elsewhere',
  async measure(effort) {
    const { say } = effort;
    const { settings, missing } = await ownSettings();
    const installation = installNpmPeers(say);
    if (installation !== undefined) missing.push(...npmPeers.map(({ name }) => ({ who: name, why: installation })));
    const pytorch = await Pytorch.open(say);
    if (!pytorch) missing.push({ who: 'PyTorch', why: pytorchAdvice });
    for (const { who, why } of missing) say(`without ${who}: ${why}`);
    try {
      const peaks = pytorch ? (await pytorch.peaks()).map((side) => pytorchEntrant('sgemm', side)) : [];
      const present = { settings, pytorch, peaks, withNpm: installation === undefined };
      const cases: TrainingStepCase[] = [];
      for (const workload of workloads) {
        const measured = await measureCase(workload, effort, present);
        say(summary(measured));
        cases.push(measured);
      }
      return { missing, cases };
    } finally {
      pytorch?.close();
    }
  },
  section: trainingStepSection,
};

/** Who is there to be measured. */
interface Present {
  readonly settings: readonly OwnSetting[];
  readonly pytorch: Pytorch | undefined;
  readonly peaks: readonly Entrant[];
  readonly withNpm: boolean;
}

async function measureCase(
  workload: Workload,
  { quick }: Effort,
  { settings, pytorch, peaks, withNpm }: Present,
): Promise<TrainingStepCase> {
  const { sides: finalists, trials } = pytorch ? await pytorch.search(workload, quick) : { sides: [], trials: [] };
  const asksNpm = !quick || stepOperations(workload) <= QUICK;
  const entrants = [
    ...ownEntrants(settings, workload),
    ...finalists.map((side) => pytorchEntrant('PyTorch', side)),
    ...(withNpm && asksNpm ? npmPeers.map((peer) => npmEntrant(peer, workload)) : []),
    ...simdEntrants(workload),
    ...peaks,
    ...sgemmEntrants(settings, workload),
  ];
  const sides = await compare(entrants, quick ? paces.quick : paces.full);
  await pytorch?.release();
  const silent = withNpm && !asksNpm ? npmPeers.map(({ name }): Recorded => ({ who: name, setting: { threads: 1 }, failed: leftOut })) : [];
  return { workload, sides: [...sides, ...silent], trials };
}

/** One line: the best of ours, then how many times as long the others took. */
function summary({ workload, sides }: Case): string {
  const [ours] = fastest(sides, 'ours');
  if (!ours) return `${workloadName(workload)}: ours failed: ${sides.find(({ who }) => who === 'ours')?.failed}`;
  const others = (['PyTorch', 'TensorFlow.js', 'jax-js'] as const).flatMap((who) => {
    const [peer] = fastest(sides, who);
    if (peer) return [`${who} ${digits(ratio(peer.timing, ours.timing))} times`];
    const failed = sides.find((side) => side.who === who)?.failed;
    return failed ? [`${who}: ${failed}`] : [];
  });
  const { backend, threads } = ours.setting;
  return `${workloadName(workload).padEnd(22)} ours ${digits(ours.timing.median)} ms (${backend}, ${threads}); ${others.join('; ')}`;
}

if (import.meta.main) await answerAlone(trainingStep);
