/**
 * What a second thread is worth at every shape, and that it costs nothing where there is no second sequence to give it.
 * `node bench/threads.ts [--quick] [--json file]`.
 */
import { paces } from './alternate.ts';
import { answerAlone } from './answer.ts';
import { ownSettings } from './own/backends.ts';
import type { Question } from './question.ts';
import { type Case, compare, type Missing, ownEntrants, type Recorded } from './sides.ts';
import { geometricMean, ratio, unsteady } from './statistics.ts';
import { absent, digits, listed, table } from './words.ts';
import { workloadName, workloads } from './workload.ts';

export interface ThreadsAnswer {
  readonly missing: readonly Missing[];
  readonly cases: readonly Case[];
}

interface Gain {
  readonly name: string;
  readonly B: number;
  readonly backend: string;
  /** Time with one thread by time with two, round by round and by the fastest steps; or why there is none. */
  readonly value?: number;
  readonly undisturbed?: number;
  readonly failed?: string;
  readonly one?: Recorded;
  readonly two?: Recorded;
}

export const threads: Question<ThreadsAnswer> = {
  name: 'threads',
  title: 'Two threads and one',
  async measure({ quick, say }) {
    const { settings, missing } = await ownSettings();
    for (const { who, why } of missing) say(`without ${who}: ${why}`);
    const cases: Case[] = [];
    for (const workload of workloads) {
      const measured = { workload, sides: await compare(ownEntrants(settings, workload), quick ? paces.quick : paces.full) };
      cases.push(measured);
      for (const gain of gains([measured])) say(`${gain.name.padEnd(22)} ${gain.backend}: ${gain.failed ?? digits(gain.value ?? 0)}`);
    }
    return { missing, cases };
  },
  section({ missing, cases }) {
    const all = gains(cases);
    const rows = all.map(({ name, backend, one, two, value, undisturbed, failed }) => [
      name,
      backend,
      ...[one, two].map((side) => (side?.timing ? `${unsteady(side.timing) ? '~' : ''}${digits(side.timing.median)}` : 'none')),
      value === undefined ? (failed ?? '') : `**${digits(value)}** (${digits(undisturbed ?? 0)})`,
    ]);
    return `The same step with one thread and with two, in turns; the bits are the same. \`~\` marks a
median more than a quarter above the fastest step: other work on the machine hits two threads harder than one. With B = 1 there is nothing to share.${absent(missing)}

${[...new Set(all.map(({ backend }) => backend))].map((backend) => words(all.filter((gain) => gain.backend === backend))).join('\n')}

${table(['cell B, T, I, H', 'backend', '1 thread, ms', '2 threads, ms', '1 / 2 (fastest steps)'], rows)}`;
  },
};

function gains(cases: readonly Case[]): Gain[] {
  return cases.flatMap(({ workload, sides }) => {
    const backends = new Set(sides.map(({ setting }) => setting.backend ?? ''));
    return [...backends].map((backend) => {
      const of = (threads: number) => sides.find(({ setting }) => setting.backend === backend && setting.threads === threads);
      const [one, two] = [of(1), of(2)];
      const base = { name: workloadName(workload), B: workload.B, backend, one, two };
      if (one?.timing && two?.timing) {
        return { ...base, value: ratio(one.timing, two.timing), undisturbed: one.timing.min / two.timing.min };
      }
      return { ...base, failed: one?.failed ?? two?.failed ?? 'not measured' };
    });
  });
}

function words(all: readonly Gain[]): string {
  const measured = all.flatMap(({ name, B, value }) => (value === undefined ? [] : [{ name, B, value }]));
  const fastestSteps = all.flatMap(({ B, undisturbed }) => (B > 1 && undisturbed !== undefined ? [undisturbed] : []));
  const shared = measured.filter(({ B }) => B > 1).toSorted((a, b) => a.value - b.value);
  const alone = measured.filter(({ B }) => B === 1);
  const parts: string[] = [];
  if (shared.length > 0) {
    const low = shared.filter(({ value }) => value < 1.8).map(({ name, value }) => `${name} (${digits(value)})`);
    const mean = digits(geometricMean(shared.map(({ value }) => value)));
    parts.push(`two threads are ${mean} times as fast as one (geometric mean, B > 1)`);
    parts.push(`by the fastest steps ${digits(geometricMean(fastestSteps))}, least ${digits(Math.min(...fastestSteps))}`);
    parts.push(low.length > 0 ? `less than 1.8 times in ${listed(low)}` : `least in ${shared[0].name} (${digits(shared[0].value)})`);
  }
  if (alone.length > 0) parts.push(`B = 1: ${listed(alone.map(({ name, value }) => `${name} ${digits(value)}`))}`);
  return `- **${all[0].backend}**: ${parts.join('; ')}.`;
}

if (import.meta.main) await answerAlone(threads);
