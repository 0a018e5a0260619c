import type { Backend } from '../compute/backend.ts';
import type { DataParts } from '../data/dataset.ts';
import { ThroughtimeError } from '../errors.ts';
import { initialize, Network } from '../network/network.ts';
import { longestOf } from '../training/trainer.ts';
import type { Experiment } from './experiment.ts';
import { openData } from './openData.ts';

/** An experiment, opened on a backend: its data, its network with the weights that its seed draws, and a way to draw others. */
export interface OpenTraining {
  readonly data: DataParts;
  readonly network: Network;
  draw(seed: number): void;
}

/**
 * Opens what an experiment trains.
 *
 * @param folder what relative paths start from.
 * @throws EXPERIMENT_INVALID for a forget bias that the sequences are too short for, and whatever the data throw.
 */
export async function openTraining(experiment: Experiment, folder: string, backend: Backend): Promise<OpenTraining> {
  const { model, training } = experiment;
  const data = await openData(experiment, folder);
  const longest = longestOf(data.train);
  if (model.forgetBias === 'chrono' && longest < 3) {
    const sentence = `cannot be "chrono" for training sequences of fewer than 3 steps, and the longest has ${longest}; give a number`;
    throw new ThroughtimeError('EXPERIMENT_INVALID', sentence, { field: 'model.forgetBias' });
  }
  const network = new Network(backend, model, data.train.input, data.train.target.size);
  const draw = (seed: number) => initialize(network, model, seed, longest);
  draw(training.seed);
  return { data, network, draw };
}
