/** The program of a thread that trains and judges trials of `treat` and of sweeps, one job at a time; what a trial has come to is in its run directory. */
import { existsSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import type { Backend } from '../compute/backend.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import type { DependenceReport } from '../diagnosis/dependence/dependence.ts';
import type { Diagnosis } from '../diagnosis/diagnose.ts';
import { heldOutLosses } from '../diagnosis/treat/heldOutLosses.ts';
import { type ErrorCode, type ErrorPlace, ThroughtimeError } from '../errors.ts';
import { readSafetensors } from '../interop/safetensors.ts';
import { loadWeights } from './checkpoint.ts';
import { diagnoseRun } from './diagnoseRun.ts';
import type { Experiment } from './experiment.ts';
import { reading } from './files.ts';
import { openData } from './openData.ts';
import { openNetwork } from './openTraining.ts';
import { RunDirectory } from './runDirectory.ts';
import { type TrainResult, trainRun } from './trainRun.ts';

export type Job =
  | {
      readonly kind: 'advance';
      /** The run directory of the trial, and what it is begun with, where it has not been begun before. */
      readonly run: string;
      readonly begin?: { readonly experiment: Experiment; readonly folder: string };
      /** That are to be made in all; the training may have an earlier end. */
      readonly updates: number;
      readonly seconds?: number;
      /** Where the losses on held-out units are not wanted of a training that has come to its end; they take a pass over them. */
      readonly lossesAtPausesOnly?: boolean;
    }
  | { readonly kind: 'judge'; readonly run: string; readonly data: DependenceReport };

/** What a thread is told: a job, or that the one at hand should end. */
export type ToThread = { readonly job: Job } | { readonly stop: true };

export interface Advanced {
  readonly updates: number;
  readonly asked: number;
  readonly losses: Float64Array | null;
  readonly secondsPerUpdate: number;
  readonly parameters: number;
  /** Whether the guard has ended the training. */
  readonly exploded: boolean;
  /** What the training answers. */
  readonly result: Pick<TrainResult, 'loss' | 'metric' | 'seconds' | 'stopped'>;
}

export interface JudgedRun {
  readonly diagnosis: Diagnosis;
  readonly losses: Float64Array;
}

export type Answer = Advanced | JudgedRun;

export type FromThread =
  /** How far a training has come, and the bytes that it takes. */
  | { readonly update: number; readonly bytes: number }
  | { readonly answer: Answer }
  | { readonly refused: { readonly code: ErrorCode; readonly sentence: string; readonly place: ErrorPlace } }
  | { readonly failed: string };

const say = (message: FromThread) => parentPort?.postMessage(message);

const reason = 'trials run side by side, a thread each, so that their times can be compared';
let stop = new AbortController();
const backend = await wasmBackend();

parentPort?.on('message', (message: ToThread) => {
  if ('stop' in message) stop.abort();
  else void work(message.job);
});

async function work(job: Job): Promise<void> {
  stop = new AbortController();
  const mark = backend.mark();
  try {
    say({ answer: job.kind === 'advance' ? await advance(job, backend) : await judged(job, backend) });
  } catch (cause) {
    if (cause instanceof ThroughtimeError) say({ refused: { code: cause.code, sentence: cause.sentence, place: cause.place } });
    else say({ failed: (cause as Error).stack ?? String(cause) });
  } finally {
    backend.release(mark);
  }
}

/** Milliseconds between two words about how far a training has come. */
const wordEvery = 200;

async function advance(job: Extract<Job, { kind: 'advance' }>, backend: Backend): Promise<Advanced> {
  const { run, updates, seconds = Infinity, lossesAtPausesOnly = false } = job;
  let spoke = -Infinity;
  const { signal } = stop;
  const begin = begunBefore(run) ? undefined : job.begin;
  const asked = (begin?.experiment ?? RunDirectory.open(run).record.experiment).training.updates;
  const { result, network, data } = await trainRun({
    source: begin ? { ...begin, runPath: run } : { run },
    ...{ backend, reason, signal, prepare: 'inline' },
    deadline: performance.now() + 1000 * seconds,
    watcher: {
      begun: ({ resumedAt }) => {
        if (resumedAt >= updates && resumedAt < asked) stop.abort();
      },
      updated: ({ update }) => {
        // After the last update comes the last look at the validation part, which is not to be cut short.
        if (update >= updates && update < asked) stop.abort();
        if (performance.now() - spoke < wordEvery) return;
        spoke = performance.now();
        say({ update, bytes: bytesTaken() });
      },
    },
  });
  try {
    const { batchSize } = RunDirectory.open(run).record.experiment.training;
    const { loss, metric, stopped } = result;
    const unwanted = result.updates === 0 || (lossesAtPausesOnly && result.updates >= asked);
    return {
      ...{ updates: result.updates, asked },
      losses: unwanted ? null : heldOutLosses(network, data.validation, batchSize),
      secondsPerUpdate: result.updates === 0 ? 0 : result.seconds / result.updates,
      parameters: network.parameters.length,
      exploded: stopped === 'explosion',
      result: { loss, metric, seconds: result.seconds, stopped },
    };
  } finally {
    data.close?.();
  }
}

/** Whether there is a run; what a process left that was killed while it made the directory is no run, and is removed. */
function begunBefore(run: string): boolean {
  if (!existsSync(run)) return false;
  if (existsSync(path.join(run, 'run.json'))) return true;
  rmSync(run, { recursive: true });
  return false;
}

/** The arrays of the network, which lie in the memory of the backend up to its top, and what this thread holds beside them. */
function bytesTaken(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external + backend.mark();
}

async function judged({ run, data: tested }: Extract<Job, { kind: 'judge' }>, backend: Backend): Promise<JudgedRun> {
  const diagnosis = await diagnoseRun({ run, backend, data: tested });
  const { record, bestFile, checkpointFile } = RunDirectory.open(run);
  const { experiment, folder } = record;
  const data = await openData(experiment, folder);
  try {
    const { network } = openNetwork(experiment, data, backend);
    const file = [bestFile, checkpointFile].find((each) => existsSync(each));
    if (file) loadWeights(network, readSafetensors(await reading(file, () => readFile(file)), file), file);
    return { diagnosis, losses: heldOutLosses(network, data.validation, experiment.training.batchSize) };
  } finally {
    data.close?.();
  }
}
