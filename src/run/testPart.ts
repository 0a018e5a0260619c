import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { readSafetensors } from '../interop/safetensors.ts';
import type { Network } from '../network/network.ts';
import type { Evaluation, Evaluator, Metric } from '../training/evaluator.ts';
import { loadWeights } from './checkpoint.ts';
import { reading } from './files.ts';
import type { Pace, Paced } from './pace.ts';

/** A network on the test part of its data. */
export interface Tested {
  readonly loss: number;
  readonly metric: Metric;
  /** Those with the lowest loss on the validation part, or where no evaluation of that was complete, the last ones. */
  readonly weights: 'best' | 'last';
}

/**
 * Measures a network on the test part with the weights that did best on the validation part, so that a training that went on too long is
 * judged as if it had been stopped in time. The network has its own weights again afterwards.
 *
 * @param bestFile the weights with the lowest validation loss; where there is no such file, the network is measured as it is.
 */
export async function testWith(
  network: Network,
  bestFile: string,
  evaluator: Evaluator,
  pace: Pace,
): Promise<Paced<Evaluation | undefined, Tested>> {
  const weights = existsSync(bestFile) ? 'best' : 'last';
  const { values } = network.parameters;
  const own = values.slice();
  try {
    if (weights === 'best') loadWeights(network, readSafetensors(await reading(bestFile, () => readFile(bestFile)), bestFile), bestFile);
    const paced = await pace.through(evaluator.pieces());
    if (paced.stopped) return paced;
    const { loss, metric } = paced.value;
    return { stopped: null, value: { loss, metric, weights } };
  } finally {
    values.set(own);
    network.changed();
  }
}
