import { createHash } from 'node:crypto';
import { type DependenceReport, dependencePieces } from '../diagnosis/dependence/dependence.ts';
import { through } from '../run/diagnoseRun.ts';
import type { Experiment } from '../run/experiment.ts';
import { type DataFile, describeFiles, openData } from '../run/openData.ts';
import { Pace } from '../run/pace.ts';
import type { Trials } from './trials.ts';

/** Seconds that a test of the data may take. */
const testSeconds = 120;

/** What names the data of an experiment. */
export const dataKey = ({ data }: Experiment): string => createHash('sha256').update(JSON.stringify(data)).digest('hex').slice(0, 16);

/** Each kind of data that the trials of a sweep learn from, with the first trial that does. */
export function dataVariants(trials: Trials): Map<string, number> {
  const variants = new Map<string, number>();
  const fixed = !Object.keys(trials.sweep.axes).some((field) => field === 'data' || field.startsWith('data.'));
  for (let trial = 0; trial < (fixed ? 1 : trials.count); trial += trials.seeds.length) {
    const key = dataKey(trials.experiment(trial));
    if (!variants.has(key)) variants.set(key, trial);
  }
  return variants;
}

/** The data files of all trials, each once. */
export async function filesOf(trials: Trials, folder: string): Promise<DataFile[]> {
  const files = new Map<string, DataFile>();
  for (const trial of dataVariants(trials).values()) {
    for (const file of await describeFiles(trials.experiment(trial), folder)) files.set(file.path, file);
  }
  return [...files.values()];
}

/** Tests what an experiment learns from, without any network. @throws STOPPED where the signal comes before its end. */
export async function testData(experiment: Experiment, folder: string, signal: AbortSignal): Promise<DependenceReport> {
  const { train, close } = await openData(experiment, folder);
  try {
    const pieces = dependencePieces(train, { seconds: testSeconds, seed: experiment.training.seed });
    return await through(pieces, new Pace(signal));
  } finally {
    close?.();
  }
}
