/**
 * What a second thread is worth at every shape, and that it costs nothing where there is no second sequence to give it.
 * `node bench/threads.ts [--quick] [--json file]`.
 */
import { paces } from './alternate.ts';
import { answerAlone } from './answer.ts';
import { ownSettings } from './own/backends.ts';
import type { Question } from './question.ts';
import { type Case, compare, type Missing, ownEntrants, productEntrants, type Recorded } from './sides.ts';
import { geometricMean, median, quotients, ratio, unsteady } from './statistics.ts';
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
  /** The same of nothing but one large product, in the same rounds. */
  readonly product?: number;
  /** `value` in the rounds in which the machine had its second core for us, and how many of all those are. */
  readonly free?: { readonly value: number; readonly rounds: number; readonly of: number };
  readonly failed?: string;
  readonly one?: Recorded;
  readonly two?: Recorded;
}

/** The machine's second core counts as ours in a round in which two threads are so many times as fast as one at a large product. */
const FREE = 1.9;

export const threads: Question<ThreadsAnswer> = {
  name: 'threads',
  title: 'Two threads and one',
  async measure({ quick, say }) {
    const { settings, missing } = await ownSettings();
    for (const { who, why } of missing) say(`without ${who}: ${why}`);
    const cases: Case[] = [];
    for (const workload of workloads) {
      const measured = {
        workload,
        sides: await compare([...ownEntrants(settings, workload), ...productEntrants(workload)], quick ? paces.quick : paces.full),
      };
      cases.push(measured);
      for (const gain of gains([measured]))
        say(
          `${gain.name.padEnd(22)} ${gain.backend}: ${gain.failed ?? `${digits(gain.value ?? 0)}, the product ${digits(gain.product ?? 0)}, where it is free ${gain.free ? digits(gain.free.value) : 'never'}`}`,
        );
    }
    return { missing, cases };
  },
  section({ missing, cases }) {
    const all = gains(cases);
    const rows = all.map(({ name, backend, one, two, value, undisturbed, product, free, failed }) => [
      name,
      backend,
      ...[one, two].map((side) => (side?.timing ? `${unsteady(side.timing) ? '~' : ''}${digits(side.timing.median)}` : 'none')),
      value === undefined ? (failed ?? '') : `**${digits(value)}** (${digits(undisturbed ?? 0)})`,
      product === undefined ? '' : digits(product),
      free ? `${digits(free.value)} (${free.rounds} of ${free.of})` : 'none',
    ]);
    return `The same step with one thread and with two, in turns; the bits are the same. \`~\` marks a
median more than a quarter above the fastest step: other work on the machine hits two threads harder than one. With B = 1 there is nothing to share.
\`product\` is what two threads gain in the same rounds at a single matrix product of 1024³ by the wasm kernels: where it is well below 2, the
second core was not ours alone. \`free\` counts only the rounds in which it was at least ${FREE}.${absent(missing)}

${[...new Set(all.map(({ backend }) => backend))].map((backend) => words(all.filter((gain) => gain.backend === backend))).join('\n')}

${table(['cell B, T, I, H', 'backend', '1 thread, ms', '2 threads, ms', '1 / 2 (fastest steps)', 'product', 'free (rounds)'], rows)}`;
  },
};

function gains(cases: readonly Case[]): Gain[] {
  return cases.flatMap(({ workload, sides }) => {
    const ours = sides.filter(({ who }) => who === 'ours');
    const backends = new Set(ours.map(({ setting }) => setting.backend ?? ''));
    const alone = [1, 2].map((threads) => sides.find(({ who, setting }) => who === 'product' && setting.threads === threads)?.timing);
    return [...backends].map((backend) => {
      const of = (threads: number) => ours.find(({ setting }) => setting.backend === backend && setting.threads === threads);
      const [one, two] = [of(1), of(2)];
      const base = { name: workloadName(workload), B: workload.B, backend, one, two };
      if (one?.timing && two?.timing) {
        const gained = quotients(one.timing, two.timing);
        const given = alone[0] && alone[1] ? quotients(alone[0], alone[1]) : [];
        const rounds = given.filter(({ value }) => value >= FREE).map(({ round }) => round);
        const free = gained.flatMap(({ round, value }) => (rounds.includes(round) ? [value] : []));
        return {
          ...base,
          value: ratio(one.timing, two.timing),
          undisturbed: one.timing.min / two.timing.min,
          ...(given.length > 0 && { product: median(given.map(({ value }) => value)) }),
          ...(free.length > 0 && { free: { value: median(free), rounds: free.length, of: gained.length } }),
        };
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
    const free = all.flatMap(({ B, name, free }) => (B > 1 && free ? [{ name, value: free.value }] : []));
    const slow = free.filter(({ value }) => value < 1.8).map(({ name, value }) => `${name} (${digits(value)})`);
    parts.push(`two threads are ${mean} times as fast as one (geometric mean, B > 1)`);
    parts.push(`by the fastest steps ${digits(geometricMean(fastestSteps))}, least ${digits(Math.min(...fastestSteps))}`);
    if (free.length > 0) {
      const least = slow.length > 0 ? `less than 1.8 in ${listed(slow)}` : `least ${digits(Math.min(...free.map(({ value }) => value)))}`;
      parts.push(
        `in the rounds with the second core free ${digits(geometricMean(free.map(({ value }) => value)))}, ${least} (${free.length} of ${shared.length} shapes had any)`,
      );
    }
    parts.push(low.length > 0 ? `less than 1.8 times in ${listed(low)}` : `least in ${shared[0].name} (${digits(shared[0].value)})`);
  }
  if (alone.length > 0) parts.push(`B = 1: ${listed(alone.map(({ name, value }) => `${name} ${digits(value)}`))}`);
  return `- **${all[0].backend}**: ${parts.join('; ')}.`;
}

if (import.meta.main) await answerAlone(threads);
