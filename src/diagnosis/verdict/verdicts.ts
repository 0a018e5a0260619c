import type { Examination } from '../examination/examination.ts';
import { exploding } from './exploding.ts';
import { hardTask } from './hardTask.ts';
import { healthy } from './healthy.ts';
import { inconclusive } from './inconclusive.ts';
import { noLongRange } from './noLongRange.ts';
import { read } from './reading.ts';
import { truncated } from './truncated.ts';
import { vanishing } from './vanishing.ts';
import type { Finding, Judge, VerdictKind } from './verdict.ts';

/**
 * Every judge, in the order in which causes come before what they bring about: an explosion leaves states through which no gradient passes; a window keeps
 * a gate from opening; a gradient that does not arrive makes a task unlearnable. The first decisive finding is the verdict.
 */
export const judges: readonly Judge[] = [exploding, truncated, vanishing, noLongRange, healthy, hardTask, inconclusive];

const sound: ReadonlySet<VerdictKind> = new Set(['healthy', 'no-long-range-dependency']);

/** What the judges found in an examination. */
export interface Verdict {
  /** The finding that explains the run as a whole. */
  readonly verdict: VerdictKind;
  /** The verdict's finding first, then what was found beside it. */
  readonly findings: readonly Finding[];
  /** Whether something should be done. */
  readonly sick: boolean;
  /** Newest inputs that the gradient reaches, within the window: surely so many, perhaps so many; null where it was not measured. */
  readonly reachedInputs: readonly [number, number] | null;
}

/** Judges an examination. */
export function judge(examination: Examination): Verdict {
  const reading = read(examination);
  const beside: Finding[] = [];
  let verdict: Finding | undefined;
  for (const each of judges) {
    const opinion = each.judge(examination, reading);
    if (!opinion || (each.kind === 'inconclusive' && verdict)) continue;
    if (opinion.decisive && !verdict) verdict = opinion.finding;
    else if (!opinion.decisive) beside.push(opinion.finding);
  }
  if (!verdict) throw new Error('there is no verdict');
  const { surelyReached, reached, window } = reading;
  const reachedInputs = examination.gradient && ([Math.min(surelyReached, window), Math.min(reached, window)] as const);
  return {
    verdict: verdict.kind,
    findings: [verdict, ...beside],
    sick: !sound.has(verdict.kind),
    reachedInputs,
  };
}
