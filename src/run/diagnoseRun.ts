import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Backend } from '../compute/backend.ts';
import { type DependenceReport, dependencePieces } from '../diagnosis/dependence/dependence.ts';
import { type Diagnosis, type DiagnosisProgress, diagnosePieces } from '../diagnosis/diagnose.ts';
import { type Course, CourseRecorder } from '../diagnosis/examination/course.ts';
import { lookOnce } from '../diagnosis/examination/examine.ts';
import type { Prescription } from '../diagnosis/verdict/verdict.ts';
import { ThroughtimeError } from '../errors.ts';
import { readSafetensors } from '../interop/safetensors.ts';
import type { Network } from '../network/network.ts';
import { horizonLooks, type ProfileLine } from '../training/profiler.ts';
import { type BudgetShares, budgetShares } from './budgetShares.ts';
import { loadWeights } from './checkpoint.ts';
import { readEvents } from './events.ts';
import { type Experiment, readExperiment } from './experiment.ts';
import { reading, writeWhole } from './files.ts';
import { toJson } from './json.ts';
import { eachMetricsLine } from './metrics.ts';
import { openData, openUnchanged } from './openData.ts';
import { openNetwork } from './openTraining.ts';
import { Pace } from './pace.ts';
import { readProfiles } from './profiles.ts';
import { RunDirectory } from './runDirectory.ts';
import { type TrainWatcher, trainRun } from './trainRun.ts';

/** What was diagnosed, and how long it took. */
export interface RunDiagnosis extends Diagnosis {
  /** The run directory. */
  readonly run: string;
  /** Which weights of it were judged: those with the lowest loss on the validation part, or the last ones. */
  readonly weights: 'best' | 'last' | 'initial';
}

/** A run that is judged. */
export interface DiagnoseRunRequest {
  readonly run: string;
  readonly backend: Backend;
  /** Seconds for all of it; without bound by default. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
  /** What the data say, where they have been tested. */
  readonly data?: DependenceReport;
  /** Is told how far it has come. */
  readonly watch?: (progress: DiagnosisProgress) => void;
}

/**
 * Judges a run by what it left: metrics, events, profiles and weights. Looks that its profiles lack are taken here. Writes verdict.json into it.
 *
 * @throws STOPPED where it is stopped before there is an answer.
 */
export async function diagnoseRun({ run, backend, seconds, signal, data: tested, watch }: DiagnoseRunRequest): Promise<RunDiagnosis> {
  const directory = RunDirectory.open(run);
  const { experiment, folder, files, from } = directory.record;
  const { model, training } = experiment;
  const { data } = await openUnchanged(experiment, folder, { run, files });
  try {
    const { network } = openNetwork(experiment, data, backend);
    const course = courseOf(directory);
    const looks: ProfileLine[] = existsSync(directory.profilesFile) ? readProfiles(directory.profilesFile).lines : [];
    if (horizonLooks(looks).length === 0 && from === undefined) looks.push(...lookOnce(network, data.train, { training, update: 0 }));
    const { checkpointFile: last, previousCheckpointFile: previous, bestFile: best } = directory;
    const lastFile = [last, previous].find((file) => existsSync(file));
    if (lastFile !== undefined) {
      await load(network, lastFile);
      if (existsSync(best) && !looks.some(({ update }) => update === course.updates)) {
        looks.push(...lookOnce(network, data.train, { training, update: course.updates }));
      }
    }
    if (existsSync(best)) await load(network, best);
    const pieces = diagnosePieces({
      ...{ network, train: data.train, validation: data.validation, model, training, course, looks, data: tested },
      stream: experiment.data.kind === 'text',
      seconds,
      accepts: acceptedBy(experiment),
    });
    const value = await through(pieces, new Pace(signal), watch);
    const weights = existsSync(best) ? 'best' : lastFile !== undefined ? 'last' : 'initial';
    const diagnosis: RunDiagnosis = { ...value, run, weights };
    writeWhole(directory.verdictFile, `${toJson(diagnosis, 2)}\n`);
    return diagnosis;
  } finally {
    data.close?.();
  }
}

/** An experiment that is trained and then judged. */
export interface DiagnoseExperimentRequest {
  readonly experiment: Experiment;
  readonly folder: string;
  /** Where the run is written; by default runs/<name of the experiment>. */
  readonly runPath?: string;
  readonly backend: Backend;
  readonly reason: string;
  /** Of the whole, training included. */
  readonly seconds: number;
  readonly signal?: AbortSignal;
  /** Is told how far it has come. */
  readonly watch?: (progress: DiagnosisProgress) => void;
  readonly watcher?: TrainWatcher;
}

/** Looks at a training that is to be diagnosed. */
const wantedLooks = 24;
const needed = ['saturation', 'half-life', 'lag-profile', 'lag-contribution'];

/** Tests the data, trains the experiment as far as the time goes, and judges the run. */
export async function diagnoseExperiment(request: DiagnoseExperimentRequest): Promise<RunDiagnosis> {
  const began = performance.now();
  const { folder, runPath, backend, reason, seconds, signal, watch, watcher } = request;
  if (runPath !== undefined && existsSync(runPath)) {
    throw new ThroughtimeError('RUN_EXISTS', 'exists already; give --run another name, or diagnose the directory itself', {
      file: runPath,
    });
  }
  const experiment = watched(request.experiment);
  const opened = await openData(experiment, folder);
  let tested: DependenceReport;
  let shares: BudgetShares;
  try {
    const { training } = experiment;
    shares = budgetShares(experiment, opened, backend, seconds);
    const pieces = dependencePieces(opened.train, { seconds: shares.tested * seconds, seed: training.seed });
    tested = await through(
      pieces,
      new Pace(signal),
      watch && (({ stage, done }) => watch({ stage: `data: ${stage}`, done: shares.tested * done })),
    );
  } finally {
    opened.close?.();
  }
  const trained = performance.now();
  const { result, run, data } = await trainRun({
    source: { experiment, folder, runPath },
    ...{ backend, reason, signal, watcher },
    deadline: began + shares.trained * seconds * 1000,
  });
  data.close?.();
  if (result.stopped === 'signal') throw stoppedEarly();
  const training = (performance.now() - trained) / 1000;
  const diagnosis = await diagnoseRun({
    ...{ run: run.path, backend, signal, data: tested, watch },
    seconds: Math.max(1, seconds - (performance.now() - began) / 1000),
  });
  const whole: RunDiagnosis = {
    ...diagnosis,
    seconds: (performance.now() - began) / 1000,
    spent: { data: tested.seconds, training, ...diagnosis.spent },
  };
  writeWhole(run.verdictFile, `${toJson(whole, 2)}\n`);
  return whole;
}

/** The experiment with the monitors that a diagnosis needs; they change no bit of the training. */
export function watched(experiment: Experiment): Experiment {
  const { monitors, monitorEvery = Math.max(1, Math.ceil(experiment.training.updates / wantedLooks)) } = experiment.training;
  return { ...experiment, training: { ...experiment.training, monitors: [...new Set([...monitors, ...needed])], monitorEvery } };
}

/** How a run went, by its metrics and events. */
export function courseOf({ record, metricsFile, eventsFile }: RunDirectory): Course {
  const recorder = new CourseRecorder();
  let updates = 0;
  eachMetricsLine(metricsFile, (line) => {
    recorder.add(line);
    updates++;
  });
  for (const event of readEvents(eventsFile)) recorder.happened(event);
  const asked = record.experiment.training.updates;
  const why = (record.result as { stopped?: Course['stopped'] } | undefined)?.stopped ?? null;
  return recorder.course(asked, updates < asked ? (why ?? 'signal') : null);
}

async function load(network: Network, file: string): Promise<void> {
  loadWeights(network, readSafetensors(await reading(file, () => readFile(file)), file), file);
}

/** Whether an experiment is valid with some fields changed. */
export function acceptedBy(experiment: Experiment): (set: Prescription['set']) => boolean {
  return (set) => {
    try {
      const overrides = Object.entries(set).map(([field, value]) => `${field}=${JSON.stringify(value)}`);
      readExperiment(JSON.stringify(experiment), 'the experiment', overrides);
      return true;
    } catch (cause) {
      if (cause instanceof ThroughtimeError) return false;
      throw cause;
    }
  };
}

/** @throws STOPPED where it is stopped. */
export async function through<Piece, Whole>(pieces: Generator<Piece, Whole>, pace: Pace, watch?: (piece: Piece) => void): Promise<Whole> {
  const { stopped, value } = await pace.through(passing(pieces, watch));
  if (stopped === null) return value;
  throw stoppedEarly();
}

const stoppedEarly = () => new ThroughtimeError('STOPPED', 'the diagnosis was stopped before there was an answer; begin it again');

function* passing<Piece, Whole>(pieces: Generator<Piece, Whole>, watch?: (piece: Piece) => void): Generator<Piece, Whole> {
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
    watch?.(value);
    yield value;
  }
}
