import { mkdtempSync, rmSync } from 'node:fs';
import os, { availableParallelism } from 'node:os';
import path from 'node:path';
import { type DependenceReport, dependencePieces } from '../diagnosis/dependence/dependence.ts';
import { findCure } from '../diagnosis/treat/findCure.ts';
import type { Treatment } from '../diagnosis/treat/treat.ts';
import { ThroughtimeError } from '../errors.ts';
import { through } from './diagnoseRun.ts';
import type { Experiment } from './experiment.ts';
import { makeFolder } from './files.ts';
import { openData } from './openData.ts';
import { Pace } from './pace.ts';
import { changed, TrialBench } from './trialBench.ts';

/** What is to be cured, and what that may cost. */
export interface TreatOptions {
  /** What relative paths of the experiment start from; the working directory by default. */
  readonly folder?: string;
  /** That all of it may take; 600 by default. What there is no time for is said, and nothing is concluded from it. */
  readonly seconds?: number;
  /** Trainings at once, one processor thread each; as many as the machine has cores by default, 8 at most. */
  readonly threads?: number;
  /** Where the run directories of all trials are kept; by default they are removed. */
  readonly runs?: string;
  readonly signal?: AbortSignal;
  /** Told what is being done, in a sentence. */
  readonly told?: (sentence: string) => void;
  /** Told of what is at work, and which share of the time has gone. */
  readonly watch?: (progress: { readonly stage: string; readonly done: number }) => void;
}

/** The answer of `treat`, with the experiment that it recommends. */
export interface ExperimentTreatment extends Treatment {
  /** null where nothing is recommended. */
  readonly experiment: Experiment | null;
  readonly seconds: number;
  /** What the time went on: the seconds of every training, which run side by side, and of the test of the data. */
  readonly spent: Readonly<Record<string, number>>;
}

/** Seconds where nothing is said. */
export const defaultSeconds = 600;
/** Shares of the time: the test of the data may take so much, beside it the experiment as it is so much, and at the end so much is left for judging. */
const shares = { data: 0.25, first: 0.4, reserve: 0.06 };

/**
 * Trains an experiment, and where its verdict is sick, looks for a change that cures it (`findCure`). Each trial is a run directory, trained in a thread of
 * its own. The data are tested once.
 *
 * @throws DATA_INVALID, DATA_TOO_SHORT where the data say nothing; STOPPED where it is stopped before the experiment has been judged.
 */
export async function treat(experiment: Experiment, options: TreatOptions = {}): Promise<ExperimentTreatment> {
  const began = performance.now();
  const { folder = '.', seconds = defaultSeconds, threads = Math.min(availableParallelism(), 8), signal, told, watch } = options;
  const runs = options.runs ?? mkdtempSync(path.join(os.tmpdir(), 'throughtime-treat-'));
  if (options.runs !== undefined) makeFolder(options.runs);
  const done = () => (performance.now() - began) / 1000 / seconds;
  const data = test(experiment, folder, shares.data * seconds, signal, (stage) => watch?.({ stage, done: done() }));
  // Whoever asks for it hears of its failure.
  data.catch(() => {});
  const bench = new TrialBench({
    ...{ experiment, folder: path.resolve(folder), runs, threads, data, signal, told },
    deadline: began + 1000 * seconds,
    reserve: shares.reserve * seconds,
    firstSeconds: shares.first * seconds,
    at: (trainings) => {
      const stage = trainings.map(({ trial, update }) => `trial ${trial} at update ${update}`).join(', ');
      watch?.({ stage, done: done() });
    },
  });
  try {
    const treatment = await findCure(bench);
    const { tried, before, best } = treatment;
    const tested = await data;
    return {
      ...treatment,
      experiment: best ? changed(experiment, best.change) : null,
      seconds: (performance.now() - began) / 1000,
      spent: { data: tested.seconds, before: before.seconds, tried: tried.reduce((sum, each) => sum + each.seconds, 0) },
    };
  } finally {
    await bench.close();
    if (options.runs === undefined) rmSync(runs, { recursive: true, force: true });
  }
}

async function test(
  experiment: Experiment,
  folder: string,
  seconds: number,
  signal: AbortSignal | undefined,
  watch: (stage: string) => void,
): Promise<DependenceReport> {
  const opened = await openData(experiment, folder);
  try {
    const pieces = dependencePieces(opened.train, { seconds, seed: experiment.training.seed });
    return await through(pieces, new Pace(signal), ({ stage }) => watch(`data: ${stage}`));
  } catch (cause) {
    if (!(cause instanceof ThroughtimeError) || cause.code !== 'STOPPED') throw cause;
    throw new ThroughtimeError('STOPPED', 'the treatment was stopped before the experiment had been judged; begin it again');
  } finally {
    opened.close?.();
  }
}
