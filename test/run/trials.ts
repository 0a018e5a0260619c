/** Run directories as trainings leave them, made by the run's own writer, with results that are given: for tests of what reads many runs. */
import { appendFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readExperiment } from '../../src/run/experiment.ts';
import { MetricsWriter } from '../../src/run/metrics.ts';
import { RunDirectory, type RunRecord } from '../../src/run/runDirectory.ts';

export interface Trial {
  /** What the base experiment is changed by, as `--set` takes it. */
  readonly set?: readonly string[];
  readonly seed?: number;
  readonly loss?: number | null;
  readonly accuracy?: number | null;
  /** `exploded`: the guard stopped it. `killed`: written as running, by no process. `held`: by this one. */
  readonly state?: 'done' | 'stopped' | 'exploded' | 'killed' | 'held';
  readonly verdict?: string;
  readonly updates?: number;
  readonly nonFiniteUpdates?: number;
  readonly gradientNorm?: number;
  readonly seconds?: number;
}

const base = {
  name: 'trial',
  data: { kind: 'task', name: 'temporalOrder', length: 10, trainSequences: 10, validationSequences: 10 },
  model: { cell: 'rnn', hiddenSize: 4 },
  training: { updates: 3 },
};

/** Writes one run directory. */
export function writeTrial(folder: string, trial: Trial): void {
  const {
    set = [],
    seed = 0,
    loss = 1,
    accuracy = 0.5,
    state = 'done',
    verdict,
    updates = 3,
    nonFiniteUpdates = 0,
    gradientNorm = 2,
  } = trial;
  const experiment = readExperiment(JSON.stringify(base), 'base', [`training.seed=${seed}`, ...set]);
  const run = RunDirectory.create(folder, {
    ...{ experiment, seed, folder: '.', files: [], data: { kind: 'task', name: 'temporalOrder' } as unknown as RunRecord['data'] },
    backend: { name: 'wasm', detail: '', reason: 'asked for', threads: 1 },
  });
  const metrics = new MetricsWriter(run.metricsFile);
  for (let update = 1; update <= updates; update++) {
    const norms = { gradientNorm, clippedNorm: Math.min(1, gradientNorm), learningRate: 0.001 };
    const validation = update === updates && loss !== null ? { validationLoss: loss } : {};
    metrics.add({ update, loss: 2 / update, ...norms, nonFinite: update <= nonFiniteUpdates ? 'loss' : null, seconds: 0.5, ...validation });
  }
  metrics.sync();
  metrics.close();
  if (verdict !== undefined) writeFileSync(run.verdictFile, JSON.stringify({ verdict, findings: [] }));
  if (state === 'held') {
    writeFileSync(path.join(folder, 'lock.json'), JSON.stringify({ pid: process.pid, host: os.hostname(), begun: null }));
  }
  if (state === 'killed' || state === 'held') return;
  const stopped = state === 'exploded' ? 'explosion' : state === 'stopped' ? 'signal' : null;
  const result = {
    ...{ run: folder, updates, appliedUpdates: updates - nonFiniteUpdates, loss: { train: 1, validation: loss, constant: 1.4 } },
    metric: accuracy === null ? null : { name: 'accuracy', value: accuracy },
    validated: { update: updates, share: 1 },
    best: { update: updates, validation: loss },
    baselines: [],
    gradientNorm: { p50: gradientNorm, p90: 2 * gradientNorm, p99: 3 * gradientNorm, max: 4 * gradientNorm },
    ...{ clippedFraction: 0.5, nonFiniteUpdates, seconds: trial.seconds ?? updates / 2, stepsPerSecond: 2, stopped },
  };
  run.update({ status: stopped === null ? 'done' : 'stopped', ended: '2026-01-01T00:00:00.000Z', result });
}

/** Appends to a file of a run, to damage it. */
export const damage = (folder: string, file: string, text: string): void => appendFileSync(path.join(folder, file), text);

/** A run of another version, which this program refuses. */
export function writeOfVersion(folder: string, version: number): void {
  writeTrial(folder, {});
  writeFileSync(path.join(folder, 'run.json'), JSON.stringify({ magic: 'throughtime-run', version }));
}

/** A grid of runs: each cell of `cells` with each clip and each seed, the loss given by `loss`. */
export function writeGrid(
  folder: string,
  cells: readonly string[],
  clips: readonly string[],
  seeds: readonly number[],
  loss: (cell: number, clip: number, seed: number) => Partial<Trial>,
): void {
  for (const [c, cell] of cells.entries()) {
    for (const [k, clip] of clips.entries()) {
      for (const seed of seeds) {
        const set = [`model.cell=${cell}`, `training.clip=${clip}`];
        writeTrial(path.join(folder, `${cell}-${k}-${seed}`), { set, seed, ...loss(c, k, seed) });
      }
    }
  }
}
