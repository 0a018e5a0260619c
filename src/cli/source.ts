import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Experiment, readExperiment } from '../run/experiment.ts';
import { reading } from '../run/files.ts';
import { checkUnchanged, describeFiles } from '../run/openData.ts';
import { RunDirectory } from '../run/runDirectory.ts';

/** Whether the source of a command is a run directory, rather than an experiment file. */
export const isRun = (source: string): boolean => existsSync(source) && statSync(source).isDirectory();

/** An experiment, the folder that its paths are relative to, and the text that it was read from. */
export interface ExperimentSource {
  readonly experiment: Experiment;
  readonly folder: string;
  readonly content: string;
}

/**
 * The experiment of a file or of a run directory, with what the command line sets.
 *
 * @throws what reading and checking it throws; `DATA_INVALID` where the files of a run have changed since.
 */
export async function experimentOf(source: string, overrides: Parameters<typeof readExperiment>[2]): Promise<ExperimentSource> {
  if (!isRun(source)) {
    const content = await reading(source, () => readFile(source, 'utf8'));
    return { experiment: readExperiment(content, source, overrides), folder: path.dirname(source), content };
  }
  const { experiment, folder, files } = RunDirectory.open(source).record;
  checkUnchanged(source, files, await describeFiles(experiment, folder));
  const content = JSON.stringify(experiment);
  return { experiment: readExperiment(content, source, overrides), folder, content };
}
