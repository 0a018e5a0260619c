import { existsSync } from 'node:fs';
import type { Backend } from '../compute/backend.ts';
import type { StoredSequences } from '../data/storedSequences.ts';
import type { TaskOptions } from '../data/task/task.ts';
import { makeTask } from '../data/task/tasks.ts';
import { ThroughtimeError } from '../errors.ts';
import type { InputShape } from '../network/batch.ts';
import type { Network } from '../network/network.ts';
import { openWeights } from './openWeights.ts';
import { RunDirectory, type RunRecord } from './runDirectory.ts';

/** A trained network, the run that it comes from, and which of its weights it has. */
export interface TrainedNetwork {
  readonly directory: RunDirectory;
  readonly network: Network;
  /** Those with the lowest loss on the validation part, or where no evaluation was made, those of the last checkpoint. */
  readonly weights: 'best' | 'last';
}

/**
 * Opens the network of a run without its data.
 *
 * @throws RUN_INVALID where there is no run, or no weights in it yet; CHECKPOINT_INVALID where they are damaged.
 */
export async function trainedNetwork(run: string, backend: Backend): Promise<TrainedNetwork> {
  const directory = RunDirectory.open(run);
  const { experiment } = directory.record;
  const { bestFile, checkpointFile, previousCheckpointFile } = directory;
  const file = [bestFile, checkpointFile, previousCheckpointFile].find((each) => existsSync(each));
  if (file === undefined) {
    const sentence = `has no weights yet; go on with it: throughtime train ${run}`;
    throw new ThroughtimeError('RUN_INVALID', sentence, { file: run });
  }
  const shape = await openWeights(file, experiment.model.activation);
  const network = shape.open(backend, { kind: inputKind(directory.record), size: shape.inputSize }, experiment.model);
  return { directory, network, weights: file === bestFile ? 'best' : 'last' };
}

/** What a run's network reads. */
function inputKind({ data, experiment }: RunRecord): InputShape['kind'] {
  if (data.kind === 'text') return 'symbols';
  if (data.kind === 'sequences') return data.symbols === undefined ? 'vectors' : 'symbols';
  return experiment.data.kind === 'task' ? smallTask(experiment.data).input.kind : 'vectors';
}

/** One sequence of a task, which tells what all of them are like. */
export function smallTask(task: TaskOptions): StoredSequences {
  return makeTask({ ...task, trainSequences: 1, validationSequences: 1 }).train as StoredSequences;
}
