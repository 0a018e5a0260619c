import path from 'node:path';
import type { Backend } from '../compute/backend.ts';
import type { Baseline, DataParts } from '../data/dataset.ts';
import { ThroughtimeError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { constantLossPieces } from '../training/constantPredictor.ts';
import { type Evaluation, Evaluator, type Metric } from '../training/evaluator.ts';
import type { TrainingEvent } from '../training/events.ts';
import { isExplosion } from '../training/guard/explosion.ts';
import { type ProfileLine, Profiler, planLooks } from '../training/profiler.ts';
import { Summary, type TrainingSummary } from '../training/summary.ts';
import { Trainer } from '../training/trainer.ts';
import { planTraining, type TrainingMemory } from '../training/trainingMemory.ts';
import { type OpenedBatches, openBatches, type Preparation, type Prepare } from './aheadBatches.ts';
import { readEvents } from './events.ts';
import type { Experiment } from './experiment.ts';
import { keptFailures } from './failure.ts';
import { bytesOf } from './files.ts';
import { takeLock } from './lock.ts';
import { eachMetricsLine, type MetricsLine } from './metrics.ts';
import { dataFiles, type OpenedData, openUnchanged } from './openData.ts';
import { openNetwork } from './openTraining.ts';
import { Pace } from './pace.ts';
import { ProfilesWriter } from './profiles.ts';
import { resume } from './resume.ts';
import { beginFrom, type Rewind } from './rewind.ts';
import { freeRunPath, RunDirectory } from './runDirectory.ts';
import { Sitting } from './sitting.ts';
import { type Tested, testWith } from './testPart.ts';

/** What `train` answers. */
export interface TrainResult {
  /** Path of the run directory. */
  readonly run: string;
  readonly updates: number;
  /** Those that changed the weights; the others were skipped because something was not finite. */
  readonly appliedUpdates: number;
  /**
   * Mean losses: of the last tenth of the updates, of the validation part, of the best constant there. `validation` is that
   * of `validated`; `constant` is null where there was no time for it.
   */
  readonly loss: { readonly train: number | null; readonly validation: number | null; readonly constant: number | null };
  /** Of the evaluation that `validated` names; null where the sitting did not make it. */
  readonly metric: Metric | null;
  /**
   * After which update, and on which share of its steps, the validation part was measured: after the last one and on all of
   * them, unless the training was stopped. Null where it was never measured.
   */
  readonly validated: { readonly update: number; readonly share: number } | null;
  /** The complete evaluation with the lowest loss, whose weights `best.safetensors` holds. */
  readonly best: { readonly update: number; readonly validation: number } | null;
  /** Losses of naive predictors on the validation part. */
  readonly baselines: readonly Baseline[];
  /** On the test part, where the data have one, with the best weights; null where there was no time for it. */
  readonly test?: Tested | null;
  readonly gradientNorm: TrainingSummary['gradientNorm'];
  readonly clippedFraction: number;
  readonly clip: TrainingSummary['clip'];
  readonly nonFiniteUpdates: number;
  readonly firstNonFinite: { readonly update: number; readonly what: string } | null;
  /** The first update whose pass is kept because it was not finite, and can be run again. */
  readonly replayable: number | null;
  readonly explosion: Explosion | null;
  /** Spent in updates, over all sittings of the run. */
  readonly seconds: number;
  readonly stepsPerSecond: number;
  readonly backend: { readonly name: string; readonly reason: string; readonly threads: number };
  /** Where batches were prepared, ahead in a thread or inline, and why there. */
  readonly batches: Preparation;
  /** What ended the command before its last update and the evaluations after it; `explosion`: the guard did. */
  readonly stopped: 'signal' | 'budget' | 'explosion' | null;
}

/** The first sign of an explosion, how many updates had an event of one, and in how many of those the guard stepped in. */
export interface Explosion {
  readonly update: number;
  readonly kind: string;
  readonly because: string;
  readonly events: number;
  /** Updates left out, not for what was not finite but by the guard. */
  readonly leftOut: number;
  readonly rollbacks: number;
  /** By which rollbacks have multiplied the learning rate in the end. */
  readonly rate: number;
}

/** Told to whoever shows progress. */
export interface TrainWatcher {
  /** The run is ready to train. */
  begun?(run: { path: string; network: Network; experiment: Experiment; memory: TrainingMemory; resumedAt: number }): void;
  /** After each update, with its line of metrics.jsonl and how many sequences it was of. */
  updated?(line: MetricsLine, sequences: number): void;
  /** After each look at the validation part. */
  evaluated?(update: number, evaluation: Evaluation): void;
  /** What the monitors saw of the network, at one look. */
  profiled?(lines: readonly ProfileLine[]): void;
  /** A warning or an intervention. */
  happened?(event: TrainingEvent): void;
  /** Something that the user should know, in a sentence. */
  noted?(sentence: string): void;
}

/** What is trained, on what, and for how long. */
export interface TrainRequest {
  /** A new run of an experiment, begun from a moment of another run or from the beginning; or an earlier run to go on with. */
  readonly source:
    | { readonly experiment: Experiment; readonly folder: string; readonly runPath?: string; readonly from?: Rewind }
    | { readonly run: string };
  /** The backend and why it was chosen. */
  readonly backend: Backend;
  readonly reason: string;
  readonly watcher?: TrainWatcher;
  /** Stops the training after the update at hand, and any evaluation at once; the checkpoint is written. */
  readonly signal?: AbortSignal;
  /**
   * A moment of `performance.now()` by which everything ends. The last tenth of the time until then is kept for the
   * evaluation after the last update, which is cut short where it takes longer.
   */
  readonly deadline?: number;
  /** Seconds between two checkpoints while the training runs; 10 by default. One is always written at the end. */
  readonly checkpointEvery?: number;
  /** Where batches are prepared; `auto` by default. With `ahead`, texts and tables are read from files whatever their size. */
  readonly prepare?: Prepare;
  /** Bytes of a text, or of a table's numbers, that are kept in memory; what has more is read from a file. 64 MiB by default. */
  readonly held?: number;
}

/** Trains to the end, or until it is stopped, and leaves a run directory that can be taken up again. */
export async function trainRun(request: TrainRequest): Promise<Trained> {
  const { source } = request;
  if (!('run' in source)) return train(request, source);
  const { status } = RunDirectory.open(source.run).record;
  let release: (() => void) | undefined;
  try {
    release = takeLock(source.run);
  } catch (cause) {
    // A finished run is only read, so that it need not be writable.
    if (!(cause instanceof ThroughtimeError) || cause.code !== 'WRITE_FAILED' || status !== 'done') throw cause;
  }
  try {
    return await train(request, recordOf(source.run));
  } finally {
    release?.();
  }
}

export interface Trained {
  readonly result: TrainResult;
  readonly network: Network;
  /** Still open: `data.close` is for the one who is done with it. */
  readonly data: DataParts;
  readonly run: RunDirectory;
}

/** @param source the experiment, and what its relative paths start from. */
async function train(request: TrainRequest, { experiment, folder }: { experiment: Experiment; folder: string }): Promise<Trained> {
  const { source, prepare = 'auto', held = prepare === 'ahead' ? 0 : undefined } = request;
  const begun = 'run' in source ? { run: source.run, files: RunDirectory.open(source.run).record.files } : undefined;
  const pace = new Pace(request.signal, request.deadline);
  const bytes = bytesOf(dataFiles(experiment, folder));
  if (bytes > longBytes) request.watcher?.noted?.(`Reading ${(bytes / 1e9).toFixed(1)} GB of data; this takes a while.`);
  const opened = await openUnchanged(experiment, folder, begun, { held, stop: () => pace.stop() });
  const { data } = opened;
  let batches: OpenedBatches | undefined;
  try {
    batches = await openBatches(data.train, experiment.training, request.backend, preparationOf(prepare, experiment));
    return await trainOn({ request, experiment, folder, pace, opened, batches });
  } catch (cause) {
    data.close?.();
    throw cause;
  } finally {
    await batches?.close();
  }
}

/** A training whose memory is limited has none for batches made ahead. */
function preparationOf(prepare: Prepare, { training }: Experiment): Prepare {
  if (training.memory === undefined || prepare === 'inline') return prepare;
  if (prepare === 'auto') return 'inline';
  const sentence = '--prepare ahead does not go with training.memory, which leaves no room for batches made ahead; leave one of them out';
  throw new ThroughtimeError('OPTION_INVALID', sentence);
}

/** Bytes of data that take long enough to read that it is said beforehand. */
const longBytes = 5e8;

interface TrainParts {
  readonly request: TrainRequest;
  readonly experiment: Experiment;
  readonly folder: string;
  readonly pace: Pace;
  readonly opened: OpenedData;
  readonly batches: OpenedBatches;
}

async function trainOn({ request, experiment, folder, pace, opened, batches: { batches, preparation } }: TrainParts): Promise<Trained> {
  const { backend, watcher, source } = request;
  const { training } = experiment;
  const { data, files } = opened;
  const { network } = openNetwork(experiment, data, backend);
  const evaluated = data.test ? [data.validation, data.test] : [data.validation];
  const recorded = 'run' in source ? RunDirectory.open(source.run).record.memory : undefined;
  const memory = recorded ?? planTraining(network, data.train, training, evaluated, planLooks(network, data.train, training)?.bytes);
  // What goes through in segments is copied a segment at a time.
  const ahead = memory.pass.segments === 1 ? batches : undefined;
  const trainer = new Trainer(network, data.train, training, { plan: memory.pass, batches: ahead });
  const evaluator = new Evaluator(network, data.validation, training.batchSize, memory.evaluationSteps);
  const constant = await pace.through(constantLossPieces(data.train, data.validation, backend));
  const description = {
    name: backend.name,
    detail: backend.detail,
    reason: request.reason,
    threads: backend.threads,
    native: backend.native,
  };
  const run =
    'run' in source
      ? RunDirectory.open(source.run)
      : RunDirectory.create(source.runPath ?? freeRunPath(experiment.name), {
          ...{ experiment, seed: training.seed, folder: path.resolve(folder), files, data: data.description },
          ...{ memory, backend: description },
          ...(source.from ? { from: { ...source.from, run: path.resolve(source.from.run) } } : {}),
        });
  const from = 'run' in source ? undefined : source.from;
  if (from) beginFrom(from, run);
  const release = 'run' in source ? undefined : takeLock(run.path);
  try {
    const before = 'run' in source || from ? await resume(run, trainer, backend, (sentence) => watcher?.noted?.(sentence)) : undefined;
    /** Nothing of such a run is written again. */
    const finished = before !== undefined && trainer.done && run.record.status === 'done';
    watcher?.begun?.({ path: run.path, network, experiment, memory, resumedAt: trainer.update });
    if (ahead && !finished) watcher?.noted?.(`Batches are prepared ahead in a thread of their own: ${preparation.reason}.`);
    const checkpointEvery = request.checkpointEvery ?? 10;
    const profiles = new ProfilesWriter(run.profilesFile, new Profiler(trainer), trainer);
    const sitting = new Sitting({ run, trainer, evaluator, pace, watcher, before, checkpointEvery, profiles });
    if (!finished) {
      if (before) run.update({ status: 'running' });
      await sitting.train();
    }
    const validation = await sitting.validation();
    const tested = data.test
      ? await testWith(network, run.bestFile, new Evaluator(network, data.test, training.batchSize, memory.evaluationSteps), pace)
      : undefined;
    const incomplete = [validation.stopped, tested?.stopped ?? null].find((each) => each !== null) ?? null;
    const { recentLoss, firstNonFinite, count, ...summary } = summaryOf(run);
    const result: TrainResult = {
      run: run.path,
      updates: trainer.update,
      appliedUpdates: trainer.cursor.applied,
      loss: { train: recentLoss, validation: validation.loss, constant: constant.stopped ? null : constant.value },
      metric: validation.metric,
      validated: validation.of,
      best: sitting.best,
      baselines: data.baselines,
      ...(tested ? { test: tested.stopped ? null : tested.value } : {}),
      ...summary,
      firstNonFinite,
      replayable: keptFailures(run.failuresFolder).at(0) ?? null,
      explosion: explosionOf(run),
      stepsPerSecond: summary.seconds > 0 ? count / summary.seconds : 0,
      backend: { name: backend.name, reason: request.reason, threads: backend.threads },
      batches: preparation,
      stopped: sitting.stopped ?? incomplete,
    };
    const status = result.stopped ? 'stopped' : 'done';
    if (!finished) run.update({ status, ended: new Date().toISOString(), result, backend: description });
    return { result, network, data, run };
  } finally {
    release?.();
  }
}

/** What all updates of the run looked like, those of earlier sittings too. */
function summaryOf(run: RunDirectory): TrainingSummary & Pick<TrainResult, 'firstNonFinite'> & { count: number } {
  const summary = new Summary();
  let firstNonFinite: TrainResult['firstNonFinite'] = null;
  const { count } = eachMetricsLine(run.metricsFile, (line) => {
    summary.add(line);
    if (line.nonFinite !== null) firstNonFinite ??= { update: line.update, what: line.nonFinite };
  });
  return { ...summary.answer(), firstNonFinite, count };
}

function explosionOf(run: RunDirectory): TrainResult['explosion'] {
  const events = readEvents(run.eventsFile).filter(({ kind }) => isExplosion(kind));
  if (events.length === 0) return null;
  const [{ update, kind, because }] = events;
  const leftOut = events.filter((event) => event.action === 'skipped' && event.kind !== 'nonFinite').length;
  const back = events.filter(({ action }) => action === 'rolledBack');
  return { update, kind, because, events: events.length, leftOut, rollbacks: back.length, rate: back.at(-1)?.rate ?? 1 };
}

function recordOf(runPath: string): { experiment: Experiment; folder: string } {
  const { experiment, folder } = RunDirectory.open(runPath).record;
  return { experiment, folder };
}
