/**
 * Whether a gradient that vanishes on its way back slows the step down: 400 steps with the loss at the last one only, beside the same
 * step with a loss at every one. `node bench/vanishing.ts [--quick] [--json file]`.
 */
import { paces } from './alternate.ts';
import { answerAlone } from './answer.ts';
import { ownSettings } from './own/backends.ts';
import type { Question } from './question.ts';
import { compare, type Missing, ownEntrants, type Recorded } from './sides.ts';
import { ratio } from './statistics.ts';
import { absent, digits, listed, plural, table } from './words.ts';
import { cells, type Workload, workloadName } from './workload.ts';

interface VanishingCase {
  readonly workload: Omit<Workload, 'loss'>;
  /** Where the loss is stands in `setting`. */
  readonly sides: readonly Recorded[];
}

export interface VanishingAnswer {
  readonly missing: readonly Missing[];
  readonly cases: readonly VanishingCase[];
}

export const vanishing: Question<VanishingAnswer> = {
  name: 'vanishing',
  title: 'A gradient that vanishes',
  async measure({ quick, say }) {
    const { settings, missing } = await ownSettings();
    for (const { who, why } of missing) say(`without ${who}: ${why}`);
    const cases: VanishingCase[] = [];
    for (const cell of cells) {
      const workload = { cell, B: 32, T: 400, I: 2, H: 128 };
      const entrants = (['last', 'every'] as const).flatMap((loss) => ownEntrants(settings, { ...workload, loss }));
      const measured = { workload, sides: await compare(entrants, quick ? paces.quick : paces.full) };
      cases.push(measured);
      for (const [name, , last, every, value] of rows([measured])) say(`${name}: last ${last} ms, every ${every} ms, ${value}`);
    }
    return { missing, cases };
  },
  section({ missing, cases }) {
    const all = rows(cases);
    const slower = all.filter(([, , , , value]) => Number(value) > 1).map(([name, setting, , , value]) => `${name}, ${setting} (${value})`);
    const words =
      slower.length === 0 ? 'A vanishing gradient slows down no case.' : `Slower with the loss at the last step: ${listed(slower)}.`;
    return `The loss at the last of 400 steps only: the gradient falls below what float32 can hold on its way back, and processors are slow on
such numbers. It is carried with an exponent of its own (docs/math/rowScale.md). Beside it the same shape with a loss, and a read-out, at
every step; milliseconds a step.${absent(missing)}

${words}

${table(['cell B, T, I, H', 'setting', 'last', 'every', 'last / every'], all)}`;
  },
};

function rows(cases: readonly VanishingCase[]): string[][] {
  return cases.flatMap(({ workload, sides }) =>
    sides
      .filter(({ setting }) => setting.loss === 'last')
      .map((last) => {
        const { backend, threads } = last.setting;
        const every = sides.find(({ setting }) => setting.loss === 'every' && setting.backend === backend && setting.threads === threads);
        const value = last.timing && every?.timing ? digits(ratio(last.timing, every.timing)) : (last.failed ?? every?.failed ?? 'none');
        const figure = (side: Recorded | undefined) => (side?.timing ? digits(side.timing.median) : 'none');
        return [
          workloadName({ ...workload, loss: 'last' }),
          `${backend}, ${plural(threads ?? 1, 'thread')}`,
          figure(last),
          figure(every),
          value,
        ];
      }),
  );
}

if (import.meta.main) await answerAlone(vanishing);
