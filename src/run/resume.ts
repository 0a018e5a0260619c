import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Backend } from '../compute/backend.ts';
import { ThroughtimeError } from '../errors.ts';
import type { Trainer } from '../training/trainer.ts';
import { restoreCheckpoint } from './checkpoint.ts';
import { keepEventsUpTo } from './events.ts';
import { eachMetricsLine, keepUpTo, type MetricsLine } from './metrics.ts';
import { machine, type RunDirectory } from './runDirectory.ts';

/** What the metrics of a run tell about its validation. */
export interface Validated {
  /** The complete evaluations with the lowest loss and the last one; null where there is none. */
  readonly best: { readonly update: number; readonly validation: number } | null;
  readonly last: { readonly update: number; readonly validation: number } | null;
  /** The line of the last update. */
  readonly line: MetricsLine | undefined;
}

/** Brings a trainer to where an earlier sitting with the run left it, and the metrics too. */
export async function resume(run: RunDirectory, trainer: Trainer, backend: Backend, noted: (sentence: string) => void): Promise<Validated> {
  const before = run.record.backend;
  if (before.name !== backend.name || before.detail !== backend.detail) {
    noted(
      `The run was begun with ${before.name} (${before.detail}) and goes on with ${backend.name} (${backend.detail}): the bits will differ.`,
    );
  }
  const [then, now] = [run.record.machine, machine()];
  if (then && (then.cpu !== now.cpu || then.node !== now.node)) {
    noted(
      `The run was begun on ${then.cpu} with Node ${then.node} and is continued on ${now.cpu} with Node ${now.node}: the bits may differ.`,
    );
  }
  await takeUp(run, trainer, noted);
  const { update } = trainer;
  let best: Validated['best'] = null;
  let last: Validated['last'] = null;
  let lastLine: MetricsLine | undefined;
  const { count, torn } = eachMetricsLine(run.metricsFile, (line) => {
    if (line.update > update) return;
    lastLine = line;
    if (line.validationLoss === undefined) return;
    last = { update: line.update, validation: line.validationLoss };
    if (isBetter(line.validationLoss, best?.validation)) best = last;
  });
  if (count < update) {
    const sentence = `ends with update ${count}, and the checkpoint is of update ${update}; restore it from a copy, or begin a new run`;
    throw new ThroughtimeError('RUN_INVALID', sentence, { file: run.metricsFile, line: count + 1 });
  }
  if (torn) noted('The last line of metrics.jsonl was torn and has been left out.');
  if (count > update || torn) keepUpTo(run.metricsFile, update);
  keepEventsUpTo(run.eventsFile, update);
  return { best, last, line: lastLine };
}

/** Whether a loss is lower than the lowest so far. */
export function isBetter(validation: number, lowest: number | undefined): boolean {
  return Number.isFinite(validation) && (lowest === undefined || validation < lowest);
}

/** Takes up the run's last checkpoint; the one before, where the last has been removed; the beginning, where there is none. */
async function takeUp(run: RunDirectory, trainer: Trainer, noted: (sentence: string) => void): Promise<void> {
  const { checkpointFile: last, previousCheckpointFile: previous } = run;
  if (!existsSync(last)) {
    if (existsSync(previous)) await restoreCheckpoint(trainer, previous);
    noted(
      existsSync(previous)
        ? 'The run has lost its last checkpoint and goes on from the one before.'
        : 'The run has no checkpoint yet and begins anew.',
    );
    return;
  }
  try {
    await restoreCheckpoint(trainer, last);
  } catch (cause) {
    if (!(cause instanceof ThroughtimeError) || cause.code !== 'CHECKPOINT_INVALID') throw cause;
    const otherwise = existsSync(previous) ? `to go on from ${path.basename(previous)}` : 'to begin the run anew';
    const sentence = `${cause.message.slice(`${last}: `.length)}, or remove it ${otherwise}`;
    throw new ThroughtimeError(cause.code, sentence, { file: last }, { cause });
  }
}
