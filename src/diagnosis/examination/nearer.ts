import type { Dataset } from '../../data/dataset.ts';
import type { ModelOptions } from '../../network/model.ts';
import { initialize, Network } from '../../network/network.ts';
import { longestOf } from '../../training/batchOrder.ts';
import { Evaluator } from '../../training/evaluator.ts';
import type { TrainingOptions } from '../../training/options.ts';
import { Trainer } from '../../training/trainer.ts';
import { dependencePieces } from '../dependence/dependence.ts';
import type { DependenceReport } from '../dependence/report.ts';
import { type Kept, shortened } from './shortened.ts';

/** What the same network makes of the same data once the steps between what is near and what is far are left out. */
export interface Nearer {
  /** The nearest input of those that are far: how many steps before the newest it lies, and how many once the gap is closed. */
  readonly lag: number;
  readonly nearLag: number;
  /** Of what the far inputs are worth, the share that it learns, in the same number of updates. */
  readonly learned: number;
  /** Whether every sequence has one target; where they have more, only the last of each was learned from, and to fail with so few shows nothing. */
  readonly single: boolean;
  /** The share that the test of the data still finds in them; null where the network has shown it by learning it, or it would show nothing. */
  readonly preserved: number | null;
}

/** Share of all that the data allow that inputs must be worth to count as far ones, or as none. */
const worthwhile = 0.05;
/** Share of what the far inputs are worth that a network has to lack to be tried again. */
const lacking = 0.2;
/** Of what the far inputs are worth, enough to stop at. */
const enough = 0.9;
/** Newest inputs that stay in any case, and inputs beyond the data horizon. */
const fewest = 2;
const margin = 2;
/** Sequences that have to be left, and the share of all. */
const fewestSequences = 40;
const mostOfAll = 0.9;
/** Evaluations in a training. */
const evaluations = 10;

export interface NearerOptions {
  readonly network: Network;
  readonly model: ModelOptions;
  readonly training: TrainingOptions;
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly data: DependenceReport;
  /** Of the network that is examined, on the validation part. */
  readonly loss: number;
  readonly late: () => boolean;
}

/**
 * The counterfactual that a gradient alone cannot give: is it the distance that keeps the network from what is far, or would it not learn that nearby
 * either? The ladder of the data says which inputs add nothing; a network of the same shape, drawn by the same seed, is trained in the same
 * way (with full BPTT) on the same sequences without them.
 *
 * @returns null where there is no such gap, the network lacks nothing, or it cannot be done; `late` where there was no time.
 */
export function* nearerPieces(options: NearerOptions): Generator<undefined, Nearer | 'late' | null> {
  const { network, model, training, train, validation, data, loss, late } = options;
  const gap = gapOf(data);
  if (gap === null || train.count < fewestSequences || loss - gap.best < lacking * gap.worth) return null;
  if (network.ways.some(({ recurrentLag, shortcuts }) => Math.max(recurrentLag, ...shortcuts) > 1)) return null;
  if (late()) return 'late';
  const [ofTrain, ofValidation] = [shortened(train, gap), shortened(validation, gap)];
  if (ofTrain === null || ofValidation === null) return null;
  const near = { train: ofTrain.sequences, validation: ofValidation.sequences };
  if (near.train.count < Math.max(fewestSequences, mostOfAll * train.count) || near.validation.count === 0) return null;
  const { backend } = network;
  const mark = backend.mark();
  let lowest = Number.POSITIVE_INFINITY;
  const learnedOf = (each: number) => (gap.worth - (each - gap.best)) / gap.worth;
  try {
    const other = new Network(backend, model, train.input, train.target.size);
    initialize(other, model, training.seed, longestOf(train));
    const trainer = new Trainer(other, near.train, { ...training, bptt: 'full', monitors: [], monitorEvery: undefined });
    const evaluator = new Evaluator(other, near.validation, training.batchSize);
    const every = Math.ceil(training.updates / evaluations);
    while (!trainer.done && learnedOf(lowest) < enough) {
      trainer.step();
      trainer.takeEvents();
      if (trainer.done || trainer.update % every === 0) lowest = Math.min(lowest, evaluator.evaluate().loss);
      if (late()) return 'late';
      yield;
    }
  } finally {
    backend.release(mark);
  }
  const learned = learnedOf(lowest);
  const found = { lag: gap.far, nearLag: gap.near, single: ofTrain.single, learned };
  if (learned >= enough || !found.single) return { ...found, preserved: null };
  let preserved = Number.NaN;
  const pieces = dependencePieces(near.train, { power: false, seed: training.seed });
  for (;;) {
    const { done, value } = pieces.next();
    if (done) {
      if (value.reference.loss !== null) preserved = learnedOf(value.reference.loss);
      break;
    }
    if (late()) return 'late';
    yield;
  }
  return { ...found, preserved };
}

/** The inputs between near and far that add nothing, and what is beyond them; null where there are hardly any. */
function gapOf({ ladder, reference, horizon, data }: DependenceReport): (Kept & { worth: number; best: number }) | null {
  const { loss: best, constant } = reference;
  if (best === null || constant === null) return null;
  const rungs = ladder.flatMap(({ window, loss }) => (loss === null || window >= horizon ? [] : [{ window, loss }]));
  const far = rungs.findLast(({ loss }) => loss - best > worthwhile * (constant - best));
  if (!far) return null;
  const first = rungs.find(({ window, loss }) => window <= far.window && loss - far.loss < worthwhile * (constant - best));
  const near = Math.max(fewest, first?.window ?? far.window);
  if (near > far.window - 1 || near > (2 * far.window) / 3) return null;
  return { near, far: far.window, oldest: Math.min(data.longest, horizon + margin), worth: far.loss - best, best };
}
