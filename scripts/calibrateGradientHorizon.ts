/**
 * Calibrates the gradient horizon: trains networks on recall tasks, whose answer lies exactly `lag` steps back, and compares whether they
 * learn it with whether that lag was within the horizon. The threshold is chosen on one set of trainings and judged on another, of other
 * seeds, lags, alphabets, batch sizes and budgets. Writes docs/calibration/gradientHorizon.json and the table in
 * docs/math/gradientHorizon.md. About ten minutes of one core.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { wasmBackend } from '../src/compute/wasm/wasm.ts';
import { makeTask } from '../src/data/task/tasks.ts';
import { deviations, gradientHorizon } from '../src/monitor/gradientHorizon.ts';
import type { ModelOptions } from '../src/network/model.ts';
import { initialize, Network } from '../src/network/network.ts';
import { Evaluator } from '../src/training/evaluator.ts';
import { trainingDefaults } from '../src/training/options.ts';
import { horizonLooks, type ProfileLine, Profiler } from '../src/training/profiler.ts';
import { Trainer } from '../src/training/trainer.ts';

const root = path.join(import.meta.dirname, '..');

const models: Record<string, ModelOptions> = {
  tanh: { cell: 'rnn', hiddenSize: 32 },
  'tanh, orthogonal': { cell: 'rnn', hiddenSize: 32, recurrentInit: 'orthogonal' },
  'ReLU, identity': { cell: 'rnn', activation: 'relu', hiddenSize: 32, recurrentInit: 'identity' },
  LSTM: { cell: 'lstm', hiddenSize: 32 },
  'LSTM, forget bias 3': { cell: 'lstm', hiddenSize: 32, forgetBias: 3 },
  GRU: { cell: 'gru', hiddenSize: 32 },
};

interface TrainingSet {
  readonly lags: readonly number[];
  readonly seeds: readonly number[];
  readonly updates: readonly number[];
  readonly symbols: number;
  readonly batchSize: number;
}

const toChoose: TrainingSet = { lags: [6, 12, 25, 50, 100], seeds: [1, 2], updates: [400, 2000], symbols: 4, batchSize: 32 };
const toJudge: TrainingSet = { lags: [9, 18, 36, 72], seeds: [3, 4], updates: [800, 1500], symbols: 2, batchSize: 16 };

interface Outcome {
  readonly model: string;
  readonly lag: number;
  readonly seed: number;
  readonly updates: number;
  /** Validation loss over that of chance. */
  readonly loss: number;
  readonly learned: boolean;
  /** Standard deviations that the lag comes to. */
  readonly reach: number;
}

const backend = await wasmBackend();

function train(name: string, lag: number, seed: number, updates: number, { symbols, batchSize }: TrainingSet): Outcome {
  const mark = backend.mark();
  const model = models[name];
  const data = makeTask({ kind: 'task', name: 'recall', lag, symbols, trainSequences: 4000, validationSequences: 400, seed });
  const network = new Network(backend, model, data.train.input, data.train.target.size);
  initialize(network, model, seed);
  const looks = { monitors: ['lag-profile', 'lag-contribution'], monitorEvery: Math.ceil(updates / 20) };
  const trainer = new Trainer(network, data.train, { ...trainingDefaults, ...looks, updates, batchSize, learningRate: 0.003, seed });
  const profiler = new Profiler(trainer);
  const lines: ProfileLine[] = [];
  for (;;) {
    if (profiler.isDue()) lines.push(...profiler.take());
    if (trainer.done) break;
    trainer.step();
  }
  const { loss } = new Evaluator(network, data.validation, 100).evaluate();
  backend.release(mark);
  const { reach } = gradientHorizon(horizonLooks(lines), { updates, batchSize });
  const share = loss / Math.log(symbols);
  // Nothing partial is possible: without the step asked for, the loss is that of chance.
  return { model: name, lag, seed, updates, loss: share, learned: share < 0.95, reach: 10 ** reach[lag] };
}

function trainAll(set: TrainingSet): Outcome[] {
  const outcomes: Outcome[] = [];
  for (const updates of set.updates) {
    for (const seed of set.seeds) {
      for (const lag of set.lags) {
        for (const name of Object.keys(models)) {
          outcomes.push(train(name, lag, seed, updates, set));
          process.stderr.write(`${JSON.stringify(outcomes.at(-1))}\n`);
        }
      }
    }
  }
  return outcomes;
}

/** How many outcomes a threshold puts on each side. */
function confusion(outcomes: readonly Outcome[], threshold: number) {
  const count = (learned: boolean, within: boolean) =>
    outcomes.filter((each) => each.learned === learned && each.reach >= threshold === within).length;
  const counts = {
    learnedWithin: count(true, true),
    learnedBeyond: count(true, false),
    notLearnedWithin: count(false, true),
    notLearnedBeyond: count(false, false),
  };
  return { ...counts, right: (counts.learnedWithin + counts.notLearnedBeyond) / outcomes.length };
}

const chosen = trainAll(toChoose);
const candidates = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30];
const byThreshold = candidates.map((threshold) => ({ threshold, ...confusion(chosen, threshold) }));
const best = Math.max(...byThreshold.map(({ right }) => right));
const bestThresholds = byThreshold.filter(({ right }) => right === best).map(({ threshold }) => threshold);
const judged = trainAll(toJudge);
const answer = { threshold: deviations, bestThresholds, toChoose: confusion(chosen, deviations), toJudge: confusion(judged, deviations) };

mkdirSync(path.join(root, 'docs/calibration'), { recursive: true });
/** A line for each training. */
const lines = (outcomes: readonly Outcome[]) => `[\n${outcomes.map((each) => JSON.stringify(each)).join(',\n')}\n]`;
writeFileSync(
  path.join(root, 'docs/calibration/gradientHorizon.json'),
  `{"answer":${JSON.stringify(answer)},\n"byThreshold":${JSON.stringify(byThreshold)},\n"sets":${JSON.stringify({ toChoose, toJudge })},
"chosen":${lines(chosen)},\n"judged":${lines(judged)}}\n`,
);
const page = path.join(root, 'docs/math/gradientHorizon.md');
const row = (name: string, { learnedWithin, learnedBeyond, notLearnedWithin, notLearnedBeyond, right }: ReturnType<typeof confusion>) =>
  `| ${name} | ${learnedWithin} | ${learnedBeyond} | ${notLearnedWithin} | ${notLearnedBeyond} | ${(100 * right).toFixed(1)}% |`;
const table = [
  '| trainings | learned, within | learned, beyond | not learned, within | not learned, beyond | right |',
  '|---|---|---|---|---|---|',
  row('to choose the threshold', answer.toChoose),
  row('others, seen before', answer.toJudge),
].join('\n');
const text = readFileSync(page, 'utf8');
writeFileSync(page, text.replace(/\| trainings \|[\s\S]*?\n\n/, `${table}\n\n`));
console.log(JSON.stringify(answer));
