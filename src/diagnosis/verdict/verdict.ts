import type { Examination } from '../examination/examination.ts';
import type { Reading } from './reading.ts';

/** What a diagnosis comes to; see docs/diagnosis.md. */
export type VerdictKind = 'exploding' | 'vanishing' | 'truncated' | 'hard-task' | 'no-long-range-dependency' | 'healthy' | 'inconclusive';

/** Changes of the experiment that should help. */
export interface Prescription {
  /** Fields of the experiment with their values, all to be set together; null removes a field. */
  readonly set: Readonly<Record<string, unknown>>;
  readonly why: string;
}

/** One thing that was found about a run. */
export interface Finding {
  readonly kind: VerdictKind;
  /** One plain sentence with the numbers. */
  readonly because: string;
  /** The numbers that it rests on. */
  readonly evidence: Readonly<Record<string, number | string | null>>;
  /** What to try, the most promising first; empty where nothing is to be done. */
  readonly prescription: readonly Prescription[];
}

/** What one judge says. */
export interface Opinion {
  readonly finding: Finding;
  /** Whether it explains the run as a whole; what does not is a finding beside the verdict. */
  readonly decisive: boolean;
}

/** Knows one kind of finding. Judges numbers that were measured, measures nothing, and does not know of the other judges. */
export interface Judge {
  readonly kind: VerdictKind;
  /** null where nothing of this kind was found. */
  judge(examination: Examination, reading: Reading): Opinion | null;
}
