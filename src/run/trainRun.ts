import { existsSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Backend } from '../compute/backend.ts';
import type { Baseline, DataParts } from '../data/dataset.ts';
import { ThroughtimeError } from '../errors.ts';
import { initialize, Network } from '../network/network.ts';
import { constantLoss } from '../training/constantPredictor.ts';
import { type Evaluation, Evaluator, type Metric } from '../training/evaluator.ts';
import { summarize, type TrainingSummary } from '../training/summary.ts';
import { longestOf, Trainer } from '../training/trainer.ts';
import { restoreCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { Experiment } from './experiment.ts';
import { keepUpTo, type MetricsLine, MetricsWriter, readMetrics } from './metrics.ts';
import { type DataFile, describeFiles, openData } from './openData.ts';
import { freeRunPath, RunDirectory } from './runDirectory.ts';

/** What `train` answers. */
export interface TrainResult {
  /** Path of the run directory. */
  readonly run: string;
  readonly updates: number;
  /** Mean losses: of the last tenth of the updates, of the validation part at the end, of the best constant there. */
  readonly loss: { readonly train: number | null; readonly validation: number; readonly constant: number };
  readonly metric: Metric;
  /** Losses of naive predictors on the validation part. */
  readonly baselines: readonly Baseline[];
  /** On the test part, where the data have one. */
  readonly test?: { readonly loss: number; readonly metric: Metric };
  readonly gradientNorm: TrainingSummary['gradientNorm'];
  readonly clippedFraction: number;
  readonly nonFiniteUpdates: number;
  readonly firstNonFinite: { readonly update: number; readonly what: string } | null;
  /** Spent in updates, over all sessions of the run. */
  readonly seconds: number;
  readonly stepsPerSecond: number;
  readonly backend: { readonly name: string; readonly reason: string; readonly threads: number };
  /** What ended the training before its last update. */
  readonly stopped: 'signal' | 'budget' | null;
}

/** Told to whoever shows progress. */
export interface TrainWatcher {
  /** The run is ready to train. */
  begun?(run: { path: string; network: Network; experiment: Experiment; resumedAt: number }): void;
  updated?(line: MetricsLine, sequences: number): void;
  evaluated?(update: number, evaluation: Evaluation): void;
  /** Something that the user should know, in a sentence. */
  noted?(sentence: string): void;
}

export interface TrainRequest {
  /** A new run of an experiment, or an earlier run to go on with. */
  readonly source: { readonly experiment: Experiment; readonly folder: string; readonly runPath?: string } | { readonly run: string };
  /** The backend and why it was chosen. */
  readonly backend: Backend;
  readonly reason: string;
  readonly watcher?: TrainWatcher;
  /** Stops the training after the update at hand; the checkpoint is written. */
  readonly signal?: AbortSignal;
  /** A moment of `performance.now()` after which no further update is begun. */
  readonly deadline?: number;
  /** Seconds between two checkpoints while the training runs; 10 by default. One is always written at the end. */
  readonly checkpointEvery?: number;
}

/** Milliseconds after which the event loop gets its turn, and what has been measured is written. */
const breathEvery = 50;

/** Trains to the end, or until it is stopped, and leaves a run directory that can be taken up again. */
export async function trainRun(
  request: TrainRequest,
): Promise<{ result: TrainResult; network: Network; data: DataParts; run: RunDirectory }> {
  const { backend, watcher, checkpointEvery = 10 } = request;
  const resumed = 'run' in request.source;
  const { experiment, folder } = 'run' in request.source ? recordOf(request.source.run) : request.source;
  const files = await describeFiles(experiment, folder);
  if ('run' in request.source) checkUnchanged(request.source.run, RunDirectory.open(request.source.run).record.files, files);
  const data = await openData(experiment, folder);
  const longest = longestOf(data.train);
  if (experiment.model.forgetBias === 'chrono' && longest < 3) {
    const sentence = `cannot be "chrono" for training sequences of fewer than 3 steps, and the longest has ${longest}; give a number`;
    throw new ThroughtimeError('EXPERIMENT_INVALID', sentence, { field: 'model.forgetBias' });
  }
  const network = new Network(backend, experiment.model, data.train.input, data.train.target.size);
  initialize(network, experiment.model, experiment.training.seed, longest);
  const trainer = new Trainer(network, data.train, experiment.training);
  const evaluator = new Evaluator(network, data.validation, experiment.training.batchSize);
  const constant = constantLoss(data.train, data.validation, backend);
  const description = { name: backend.name, detail: backend.detail, reason: request.reason, threads: backend.threads };
  const run =
    'run' in request.source
      ? RunDirectory.open(request.source.run)
      : RunDirectory.create(request.source.runPath ?? freeRunPath(experiment.name), {
          experiment,
          seed: experiment.training.seed,
          folder: path.resolve(folder),
          files,
          data: data.description,
          backend: description,
        });
  if (resumed) await resume(run, trainer, backend, watcher);
  /** Nothing of such a run is written again. */
  const finished = resumed && trainer.done && run.record.status === 'done';
  watcher?.begun?.({ path: run.path, network, experiment, resumedAt: trainer.update });

  const metrics = new MetricsWriter(run.metricsFile);
  let stopped: TrainResult['stopped'] = null;
  let evaluation: Evaluation | undefined;
  try {
    if (resumed && !finished) run.update({ status: 'running' });
    let saved = performance.now();
    let breathed = saved;
    const save = () => {
      metrics.sync();
      writeCheckpoint(trainer, run.checkpointFile, run.previousCheckpointFile);
      saved = performance.now();
    };
    while (!trainer.done) {
      if (request.signal?.aborted) stopped = 'signal';
      else if (request.deadline !== undefined && performance.now() >= request.deadline) stopped = 'budget';
      if (stopped) break;
      const record = trainer.step();
      evaluation = undefined;
      if (record.update % experiment.training.validateEvery === 0 || trainer.done) {
        evaluation = evaluator.evaluate();
        watcher?.evaluated?.(record.update, evaluation);
      }
      const line: MetricsLine = evaluation ? { ...record, validationLoss: evaluation.loss } : record;
      metrics.add(line);
      watcher?.updated?.(line, Math.min(experiment.training.batchSize, data.train.count));
      const now = performance.now();
      if (now - breathed >= breathEvery) {
        metrics.flush();
        await nextTurn();
        breathed = performance.now();
      }
      if (now - saved >= checkpointEvery * 1000) save();
    }
    if (!finished) save();
  } finally {
    metrics.close();
  }
  const { loss: validation, metric } = evaluation ?? evaluator.evaluate();
  const { lines } = readMetrics(run.metricsFile);
  const { recentLoss, ...summary } = summarize(lines);
  const firstNonFinite = lines.find((line) => line.nonFinite !== null);
  const result: TrainResult = {
    run: run.path,
    updates: trainer.update,
    loss: { train: recentLoss, validation, constant },
    metric,
    baselines: data.baselines,
    ...(data.test ? { test: new Evaluator(network, data.test, experiment.training.batchSize).evaluate() } : {}),
    ...summary,
    firstNonFinite: firstNonFinite ? { update: firstNonFinite.update, what: firstNonFinite.nonFinite as string } : null,
    stepsPerSecond: summary.seconds > 0 ? lines.length / summary.seconds : 0,
    backend: { name: backend.name, reason: request.reason, threads: backend.threads },
    stopped,
  };
  if (!finished) run.update({ status: stopped ? 'stopped' : 'done', ended: new Date().toISOString(), result, backend: description });
  return { result, network, data, run };
}

function recordOf(runPath: string): { experiment: Experiment; folder: string } {
  const { experiment, folder } = RunDirectory.open(runPath).record;
  return { experiment, folder };
}

/** Refuses a run whose data are no longer what they were. */
export function checkUnchanged(runPath: string, recorded: readonly DataFile[], files: readonly DataFile[]): void {
  for (const before of recorded) {
    const now = files.find((each) => each.path === before.path);
    if (now?.sha256 === before.sha256) continue;
    throw new ThroughtimeError(
      'RUN_INVALID',
      `cannot be used: ${before.path} has changed since the run began; restore it or begin a new run`,
      { file: runPath },
    );
  }
}

async function resume(run: RunDirectory, trainer: Trainer, backend: Backend, watcher: TrainWatcher | undefined): Promise<void> {
  const before = run.record.backend;
  if (before.name !== backend.name || before.detail !== backend.detail) {
    watcher?.noted?.(
      `The run was begun with ${before.name} (${before.detail}) and goes on with ${backend.name} (${backend.detail}): the bits will differ.`,
    );
  }
  await takeUp(run, trainer, watcher);
  if (readMetrics(run.metricsFile).torn) watcher?.noted?.('The last line of metrics.jsonl was torn and has been left out.');
  keepUpTo(run.metricsFile, trainer.update);
}

/** Takes up the run's last checkpoint; the one before, where the last has been removed; the beginning, where there is none. */
async function takeUp(run: RunDirectory, trainer: Trainer, watcher: TrainWatcher | undefined): Promise<void> {
  const { checkpointFile: last, previousCheckpointFile: previous } = run;
  if (!existsSync(last)) {
    if (existsSync(previous)) await restoreCheckpoint(trainer, previous);
    watcher?.noted?.(
      existsSync(previous)
        ? 'The run has lost its last checkpoint and goes on from the one before.'
        : 'The run has no checkpoint yet and begins anew.',
    );
    return;
  }
  try {
    await restoreCheckpoint(trainer, last);
  } catch (cause) {
    if (!(cause instanceof ThroughtimeError) || cause.code !== 'CHECKPOINT_INVALID' || !existsSync(previous)) throw cause;
    const sentence = `${cause.message.slice(`${last}: `.length)}, or remove it to go on from ${path.basename(previous)}`;
    throw new ThroughtimeError(cause.code, sentence, { file: last }, { cause });
  }
}
