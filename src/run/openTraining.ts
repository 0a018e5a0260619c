import type { Backend } from '../compute/backend.ts';
import type { DataParts } from '../data/dataset.ts';
import { ThroughtimeError } from '../errors.ts';
import { initialize, Network } from '../network/network.ts';
import { longestOf } from '../training/batchOrder.ts';
import { checkSkips } from '../training/checkSkips.ts';
import type { Experiment } from './experiment.ts';
import { openData } from './openData.ts';

/** A network with the weights that its experiment's seed draws, and a way to draw others. */
export interface OpenNetwork {
  readonly network: Network;
  draw(seed: number): void;
}

/** An experiment, opened on a backend. `data.close` is for the one who is done with it. */
export interface OpenTraining extends OpenNetwork {
  readonly data: DataParts;
}

/**
 * Opens what an experiment trains.
 *
 * @param folder what relative paths start from.
 * @throws EXPERIMENT_INVALID for a forget bias that the sequences are too short for, and whatever the data throw.
 */
export async function openTraining(experiment: Experiment, folder: string, backend: Backend): Promise<OpenTraining> {
  const data = await openData(experiment, folder);
  try {
    return { data, ...openNetwork(experiment, data, backend) };
  } catch (cause) {
    data.close?.();
    throw cause;
  }
}

/** @throws EXPERIMENT_INVALID for a forget bias, OPTION_INVALID for a skip connection that the sequences are too short for. */
export function openNetwork({ model, training }: Experiment, data: DataParts, backend: Backend): OpenNetwork {
  const longest = longestOf(data.train);
  if (model.forgetBias === 'chrono' && longest < 3) {
    const sentence = `cannot be "chrono" for training sequences of fewer than 3 steps, and the longest has ${longest}; give a number`;
    throw new ThroughtimeError('EXPERIMENT_INVALID', sentence, { field: 'model.forgetBias' });
  }
  const network = new Network(backend, model, data.train.input, data.train.target.size);
  checkSkips(network, training, longest);
  const draw = (seed: number) => initialize(network, model, seed, longest);
  draw(training.seed);
  return { network, draw };
}
