import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What a recorded run is made of; every number that a panel shows follows from these. */
export interface Recorded {
  readonly updates: number;
  readonly looks?: number;
  readonly lags?: number;
  readonly status?: 'running' | 'stopped' | 'done';
  readonly name?: string;
}

/** A line of metrics.jsonl with known numbers: the loss is 2 / u, the norm 10 at every tenth update and 1 at the others, the clip at 4. */
export function metricsLine(u: number): string {
  const failed = u === 37;
  const gradientNorm = failed ? 'NaN' : u % 10 === 0 ? 10 : 1;
  const line = {
    update: u,
    loss: 2 / u,
    gradientNorm,
    clippedNorm: failed ? 'NaN' : Math.min(4, u % 10 === 0 ? 10 : 1),
    learningRate: 0.01,
    nonFinite: failed ? 'gradient of weight_hh_l0' : null,
    seconds: 0.001,
    throughTime: failed ? null : { newest: -1, middle: -2, oldest: -3, lag: 20 },
    ...(u % 50 === 0 ? { validationLoss: 1 / u } : {}),
  };
  return `${JSON.stringify(line)}\n`;
}

/** The looks of profiles.jsonl after an update: the gradient falls a tenth of a decade a lag. */
export function profileLines(update: number, lags: number): string {
  const over = { sequences: 16, steps: lags };
  const points = Array.from({ length: lags }, (_, lag) => ({
    lag,
    meanLog10: -lag / 10,
    p10: -lag / 10 - 0.5,
    p90: -lag / 10 + 0.5,
    ratio: 10 ** (-lag / 10),
  }));
  const lines = [
    { monitor: 'saturation', value: [{ layer: 0, name: 'h', kind: 'tanh', low: 0.125, high: 0.25 }] },
    { monitor: 'half-life', value: [{ layer: 0, state: 'c', p10: 2, p50: 'Infinity', p90: 'Infinity', longest: 'Infinity' }] },
    { monitor: 'lag-profile', value: points },
    {
      monitor: 'lag-contribution',
      value: {
        lags: points.map(({ lag, meanLog10 }) => ({ lag, size: meanLog10, signal: '-Infinity' })),
        total: 0,
        noise: 0,
        sequences: 16,
      },
    },
    {
      monitor: 'jacobian',
      value: { largest: { meanLog10: -0.05, p10: -0.1, p90: 0 }, smallest: { meanLog10: -3, p10: -4, p90: -2 }, jacobians: 8 },
    },
    {
      monitor: 'transport',
      value: { points: [1, 2, 4].map((lag) => ({ lag, largest: -lag / 20, rootMeanSquare: -lag / 10 })), sequences: 2 },
    },
    { monitor: 'lyapunov', value: { exponents: [-0.25, -0.5], sequences: 2, steps: lags } },
    { monitor: 'orthogonality', value: { weight_hh_l0: [3.5] } },
  ];
  return lines.map((line) => `${JSON.stringify({ update, over, ...line })}\n`).join('');
}

/** Writes a run directory with these numbers, as a training leaves it. */
export function writeRun(folder: string, { updates, looks = 5, lags = 21, status = 'done', name = 'recorded' }: Recorded): void {
  mkdirSync(folder, { recursive: true });
  const experiment = {
    name,
    data: { kind: 'task', name: 'recall', lag: 20, trainSequences: 100, validationSequences: 50 },
    model: { cell: 'rnn', hiddenSize: 8 },
    training: { optimizer: 'adam', learningRate: 0.01, batchSize: 32, updates, seed: 0, clip: { globalNorm: 4 }, bptt: { k1: 10, k2: 10 } },
  };
  const record = {
    ...{ magic: 'throughtime-run', version: 1, experiment, seed: 0, folder: '.', files: [], data: { kind: 'task', name: 'recall' } },
    backend: { name: 'wasm', detail: '', reason: 'asked for', threads: 1 },
    machine: { node: 'v24', platform: 'linux', arch: 'x64', cpu: 'any', cores: 2 },
    ...{ started: '2026-01-01T00:00:00.000Z', status },
    ...(status === 'done'
      ? { ended: '2026-01-01T00:01:00.000Z', result: { loss: { constant: 1.5 }, clippedFraction: 0.1, baselines: [] } }
      : {}),
  };
  writeFileSync(path.join(folder, 'run.json'), JSON.stringify(record));
  const metrics: string[] = [];
  for (let update = 1; update <= updates; update++) metrics.push(metricsLine(update));
  writeFileSync(path.join(folder, 'metrics.jsonl'), metrics.join(''));
  const profiles: string[] = [];
  for (let look = 0; look < looks; look++) profiles.push(profileLines(Math.round((look * updates) / Math.max(1, looks - 1)), lags));
  writeFileSync(path.join(folder, 'profiles.jsonl'), profiles.join(''));
  writeFileSync(
    path.join(folder, 'events.jsonl'),
    `${JSON.stringify({ update: 37, kind: 'nonFinite', action: 'skipped', because: 'the gradient of weight_hh_l0 is not finite' })}\n`,
  );
}

/** A verdict with known numbers. */
export const recordedVerdict = {
  verdict: 'truncated',
  sick: true,
  findings: [
    {
      kind: 'truncated',
      because: 'The data have a dependency at lag 20, and the window of 10 steps cuts the gradient off before it.',
      evidence: { window: 10, dataHorizon: 21 },
      prescription: [{ set: { 'training.bptt': 'full' }, why: 'the gradient then reaches all 21 steps' }],
    },
  ],
  gradientHorizon: 9,
  dataHorizon: 21,
  dataOutcome: 'dependence',
  loss: { model: 2.05, constant: 2.079, reference: 0.01 },
  seconds: 3,
};
