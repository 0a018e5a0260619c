/** The program of a thread that trains and judges trials of `treat`, one job at a time; what a trial has come to is in its run directory. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
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
import { trainRun } from './trainRun.ts';

export type Job =
  | {
      readonly kind: 'advance';
      /** The run directory of the trial, and what it is begun with; absent where it is gone on with. */
      readonly run: string;
      readonly begin?: { readonly experiment: Experiment; readonly folder: string };
      /** That are to be made in all. */
      readonly updates: number;
      readonly seconds: number;
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
}

export interface JudgedRun {
  readonly diagnosis: Diagnosis;
  readonly losses: Float64Array;
}

export type FromThread =
  | { readonly update: number }
  | { readonly answer: Advanced | JudgedRun }
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

async function advance({ run, begin, updates, seconds }: Extract<Job, { kind: 'advance' }>, backend: Backend): Promise<Advanced> {
  let spoke = performance.now();
  const { signal } = stop;
  const asked = (begin?.experiment ?? RunDirectory.open(run).record.experiment).training.updates;
  const { result, network, data } = await trainRun({
    source: begin ? { ...begin, runPath: run } : { run },
    ...{ backend, reason, signal, prepare: 'inline' },
    deadline: performance.now() + 1000 * seconds,
    watcher: {
      updated: ({ update }) => {
        // After the last update comes the last look at the validation part, which is not to be cut short.
        if (update >= updates && update < asked) stop.abort();
        if (performance.now() - spoke < wordEvery) return;
        spoke = performance.now();
        say({ update });
      },
    },
  });
  try {
    const { batchSize } = RunDirectory.open(run).record.experiment.training;
    return {
      ...{ updates: result.updates, asked },
      losses: result.updates === 0 ? null : heldOutLosses(network, data.validation, batchSize),
      secondsPerUpdate: result.updates === 0 ? 0 : result.seconds / result.updates,
      parameters: network.parameters.length,
      exploded: result.stopped === 'explosion',
    };
  } finally {
    data.close?.();
  }
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
