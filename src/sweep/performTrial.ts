import type { DependenceReport } from '../diagnosis/dependence/dependence.ts';
import { meanOf } from '../diagnosis/treat/paired.ts';
import { type ErrorCode, ThroughtimeError } from '../errors.ts';
import type { Experiment } from '../run/experiment.ts';
import { ThreadDied, type TrialPool } from '../run/trialPool.ts';
import type { Advanced, JudgedRun } from '../run/trialThread.ts';
import type { TrialAnswer } from './hands/hands.ts';

export interface PerformRequest {
  readonly experiment: Experiment;
  readonly folder: string;
  /** Its run directory, which is gone on with where it is there. */
  readonly run: string;
  /** That are to be made in all; null: to the end. */
  readonly updates: number | null;
  /** What the test of the data has said; null where no verdict is wanted. */
  readonly report: DependenceReport | null;
  readonly signal?: AbortSignal;
  readonly at?: (update: number) => void;
  readonly died?: (because: string) => void;
}

/** Errors that are not the trial's: another trial would meet them as well, and this one would not on another machine or later. */
const ofTheMachine: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['WRITE_FAILED', 'FILE_UNREADABLE', 'DATA_INVALID', 'DATA_CHANGED', 'RUN_INVALID'] as const),
  ...(['RUN_IN_USE', 'BACKEND_UNAVAILABLE', 'THREAD_FAILED'] as const),
]);

/**
 * Trains a trial in a thread of the pool, and judges it where it has come to its end. One whose thread dies is tried once more, and goes on from its checkpoint.
 *
 * @returns null where the signal has stopped it; its run directory can be gone on with.
 * @throws what is not the trial's fault: data that cannot be read, a disk that is full.
 */
export async function performTrial(pool: TrialPool, request: PerformRequest): Promise<TrialAnswer | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await perform(pool, request);
    } catch (cause) {
      if (request.signal?.aborted && (cause instanceof ThreadDied || (cause instanceof ThroughtimeError && cause.code === 'STOPPED')))
        return null;
      if (cause instanceof ThroughtimeError) {
        if (ofTheMachine.has(cause.code)) throw cause;
        return { outcome: 'failed', because: cause.message, code: cause.code };
      }
      if (!(cause instanceof ThreadDied)) throw cause;
      const [because] = cause.message.split('\n');
      if (attempt === 2) return { outcome: 'failed', because: `it has died twice: ${because}`, code: null };
      request.died?.(because);
    }
  }
}

async function perform(pool: TrialPool, request: PerformRequest): Promise<TrialAnswer | null> {
  const { experiment, folder, run, updates, report, signal, at } = request;
  const begin = { experiment, folder };
  const target = updates ?? Infinity;
  const job = () => ({ kind: 'advance', run, begin, updates: target, lossesAtPausesOnly: true }) as const;
  const advanced = (await pool.run(job, { signal, at })) as Advanced;
  const { losses, asked, exploded, result, updates: made } = advanced;
  if (!exploded && made < Math.min(target, asked)) return null;
  if (!exploded && made < asked) return { outcome: 'reached', updates: made, loss: losses && meanOf(losses) };
  // An evaluation after the last update that the signal has cut short.
  if (result.stopped === 'signal') return null;
  const answer = {
    ...{ outcome: 'done' as const, updates: made, loss: result.loss.validation, metric: result.metric },
    ...{ seconds: result.seconds, explosion: exploded, verdict: null, sick: null },
  };
  if (report === null) return answer;
  const { diagnosis } = (await pool.run(() => ({ kind: 'judge', run, data: report }), { signal })) as JudgedRun;
  return { ...answer, verdict: diagnosis.verdict, sick: diagnosis.sick };
}
