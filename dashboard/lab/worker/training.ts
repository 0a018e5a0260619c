import {
  type Backend,
  constantLoss,
  type DataParts,
  Evaluator,
  initialize,
  type LagPoint,
  type ModelOptions,
  makeTask,
  Network,
  Profiler,
  type TaskOptions,
  Trainer,
  type TrainingOptions,
  taskHorizon,
  trainingDefaults,
} from '../../../src/index.ts';
import type { NetworkSetup, Setup } from '../setup.ts';
import type { News, OwnFile, Update } from './messages.ts';
import { openFile } from './ownFile.ts';

const sequences = { trainSequences: 2000, validationSequences: 256 };
/** Looks at the gradient and evaluations in a training. */
const looks = 24;
const evaluations = 12;
/** Milliseconds of training between two pieces of news. */
const piece = 40;

function taskOptions({ task, length, seed }: Pick<Setup, 'task' | 'length' | 'seed'>): TaskOptions {
  const common = { kind: 'task' as const, ...sequences, seed: seed + 1 };
  if (task === 'recall') return { ...common, name: 'recall', lag: length };
  return { ...common, name: task as Exclude<Setup['task'], 'recall' | 'file'>, length };
}

/** The model that a setup asks the core for. */
export function modelOf({ cell, activation, start, gain, keeps, skip, skipLag, hidden }: NetworkSetup): ModelOptions {
  // At a gain of 1 it has the plain name, with which the core says what it goes with.
  const scaled = start === 'gaussian' || (start === 'orthogonal' && gain !== 1);
  const recurrentInit = scaled ? ({ [start]: gain } as { gaussian: number } | { orthogonal: number }) : start;
  const kept = keeps === 'orthogonal' ? { orthogonal: true as const } : {};
  const ways = skip === 'none' ? {} : { skip: { kind: skip, lag: skipLag } };
  return { cell, hiddenSize: hidden, recurrentInit, ...kept, ...ways, ...(cell === 'rnn' ? { activation } : {}) } as ModelOptions;
}

function trainingOf({ optimizer, rate, clip, window }: NetworkSetup, { updates, seed }: Pick<Setup, 'updates' | 'seed'>): TrainingOptions {
  return {
    ...trainingDefaults,
    ...{ optimizer, learningRate: rate, updates, seed },
    clip: clip === 0 ? 'none' : { globalNorm: clip },
    bptt: window === 0 ? 'full' : { k1: window, k2: window },
    monitors: ['lag-profile'],
    monitorEvery: Math.max(1, Math.round(updates / looks)),
  };
}

/** Trains one network and tells how it goes; whoever asks for the next piece may ask no more. */
export async function* train(
  backend: Backend,
  setup: Omit<Setup, 'networks'>,
  network: NetworkSetup,
  file?: OwnFile,
): AsyncGenerator<News, void> {
  const began = performance.now();
  const data: DataParts = setup.task === 'file' ? await openFile(file) : makeTask(taskOptions(setup));
  const model = modelOf(network);
  const built = new Network(backend, model, data.train.input, data.train.target.size);
  initialize(built, model, setup.seed);
  const options = trainingOf(network, setup);
  const trainer = new Trainer(built, data.train, options);
  const profiler = new Profiler(trainer);
  const evaluator = new Evaluator(built, data.validation, options.batchSize);
  const every = Math.max(1, Math.round(setup.updates / evaluations));
  const dataHorizon = setup.task === 'file' ? null : taskHorizon(taskOptions(setup));
  yield { kind: 'begun', parameters: built.parameters.length, dataHorizon, constant: constantLoss(data.train, data.validation, backend) };
  const look = (): News => ({ kind: 'look', update: trainer.update, profile: profiler.take()[0].value as LagPoint[] });
  yield look();
  let lookedAt = 0;
  while (!trainer.done) {
    const updates: Update[] = [];
    const until = performance.now() + piece;
    let evaluate = false;
    while (!trainer.done && performance.now() < until && !evaluate) {
      const { update, loss, gradientNorm, clippedNorm, nonFinite } = trainer.step();
      updates.push({ update, loss, gradientNorm, clippedNorm, nonFinite });
      evaluate = update % every === 0 || profiler.isDue();
    }
    yield { kind: 'updates', updates, events: trainer.takeEvents() };
    if (profiler.isDue() && lookedAt !== trainer.update) {
      lookedAt = trainer.update;
      yield look();
    }
    if (trainer.update % every === 0 || trainer.done) {
      const { loss, metric } = evaluator.evaluate();
      yield { kind: 'evaluation', update: trainer.update, loss, metric };
    }
  }
  yield { kind: 'done', seconds: (performance.now() - began) / 1000 };
}
