import { copyFileSync, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ThroughtimeError } from '../errors.ts';
import { readSafetensors } from '../interop/safetensors.ts';
import type { TrainerCursor } from '../training/trainer.ts';
import { keepEventsUpTo } from './events.ts';
import { type Experiment, readExperiment } from './experiment.ts';
import { reading, writeError } from './files.ts';
import { keepUpTo } from './metrics.ts';
import { RunDirectory } from './runDirectory.ts';

/** Where a run goes on from that begins with the last good moment of another one. */
export interface Rewind {
  /** Path of the other run. */
  readonly run: string;
  /** The update of that moment. */
  readonly update: number;
}

/** Fields that may differ from those of the run that exploded: all others would not fit what its checkpoint holds. */
const changeable = /^training\.(clip|guard|learningRate|schedule|updates|validateEvery)\b/;

/**
 * The experiment of a run that is to be gone on with from before its explosion, with some fields changed.
 *
 * @throws OPTION_INVALID where a field cannot be changed; RUN_INVALID where the run has had no explosion.
 */
export async function rewound(
  runPath: string,
  overrides: readonly string[],
): Promise<{ experiment: Experiment; folder: string; from: Rewind }> {
  const run = RunDirectory.open(runPath);
  const file = run.beforeExplosionFile;
  if (!existsSync(file)) {
    throw new ThroughtimeError('RUN_INVALID', 'has had no explosion to go back before; train it without --rewind to go on with it', {
      file: runPath,
    });
  }
  const fixed = overrides.find((each) => !changeable.test(each));
  if (fixed !== undefined) {
    const sentence = `--set ${fixed.split('=')[0]} cannot change on the way: only training.clip, guard, learningRate, schedule, updates and validateEvery can; train the experiment anew`;
    throw new ThroughtimeError('OPTION_INVALID', sentence, { file: runPath });
  }
  const { metadata } = readSafetensors(await reading(file, () => readFile(file)), file);
  const { update } = JSON.parse(metadata.cursor ?? '{}') as TrainerCursor;
  const { experiment, folder } = run.record;
  return { experiment: readExperiment(JSON.stringify(experiment), runPath, overrides), folder, from: { run: runPath, update } };
}

/** Gives a new run the checkpoint, the metrics and the events that the other one had at that moment. */
export function beginFrom({ run: path, update }: Rewind, run: RunDirectory): void {
  const other = RunDirectory.open(path);
  try {
    copyFileSync(other.beforeExplosionFile, run.checkpointFile);
    copyFileSync(other.metricsFile, run.metricsFile);
    if (existsSync(other.eventsFile)) copyFileSync(other.eventsFile, run.eventsFile);
  } catch (cause) {
    throw writeError(run.path, cause);
  }
  keepUpTo(run.metricsFile, update);
  keepEventsUpTo(run.eventsFile, update);
}
