import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { makeTask } from '../../src/data/task/tasks.ts';
import { gradientHorizon } from '../../src/monitor/gradientHorizon.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { longestOf } from '../../src/training/batchOrder.ts';
import { Evaluator } from '../../src/training/evaluator.ts';
import { trainingDefaults } from '../../src/training/options.ts';
import { horizonLooks, type ProfileLine, Profiler } from '../../src/training/profiler.ts';
import { Trainer } from '../../src/training/trainer.ts';
import { rows, updatesOf } from './rows.ts';
import { tasks } from './tasks.ts';

/** One training of the table. */
export interface CureRun {
  readonly row: string;
  readonly task: string;
  readonly seed: number;
  /** The first evaluation at which it was solved; null where it was not. */
  readonly solvedAt: number | null;
  /** Updates made, and those that it might have made. */
  readonly updates: number;
  readonly atMost: number;
  /** Of the last evaluation, and the lowest. */
  readonly loss: number;
  readonly best: number;
  readonly accuracy: number | null;
  /** The gradient horizon, in lags, and whether that is the longest measured. */
  readonly horizon: number;
  readonly atLeast: boolean;
  readonly parameters: number;
  /** Processor seconds. */
  readonly seconds: number;
  /** What ended it. */
  readonly ended: 'solved' | 'updates' | 'time' | 'not finite';
}

/** Updates between two evaluations. */
const every = 200;
/** Whether the monitors look after that many updates: often at first, when the gradient changes most, then every thousand. */
const isLook = (update: number) => update % (update < 1000 ? every : 1000) === 0;

/** Trains until the task is solved, or the updates or the processor seconds are spent. */
export async function run(
  rowName: string,
  taskName: string,
  seed: number,
  seconds: number,
  said: (line: string) => void,
): Promise<CureRun> {
  const row = rows.find(({ name }) => name === rowName);
  const task = tasks.find(({ name }) => name === taskName);
  if (!row || !task) throw new RangeError(`there is no row ${rowName} or no task ${taskName}`);
  const began = process.cpuUsage();
  const spent = () => {
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1e6;
  };
  const backend = await wasmBackend();
  const data = makeTask({ ...task.data, seed: 100 + seed });
  const { batchSize, units } = task;
  const updates = updatesOf(row, task);
  const model = row.model(units);
  const network = new Network(backend, model, data.train.input, data.train.target.size);
  initialize(network, model, seed, longestOf(data.train));
  const monitors = ['lag-profile', 'lag-contribution'];
  const training = { ...trainingDefaults, ...row.training, batchSize, updates, seed, monitors };
  const trainer = new Trainer(network, data.train, training);
  const profiler = new Profiler(trainer);
  const evaluator = new Evaluator(network, data.validation, 100);
  const lines: ProfileLine[] = profiler.take();
  let evaluation = evaluator.evaluate();
  let best = evaluation.loss;
  let ended: CureRun['ended'] = 'updates';
  while (!trainer.done) {
    trainer.step();
    const { update } = trainer;
    if (isLook(update)) lines.push(...profiler.take());
    if (update % every !== 0) continue;
    evaluation = evaluator.evaluate();
    best = Math.min(best, evaluation.loss);
    if (update % (5 * every) === 0) said(`${row.name}, ${task.name}, seed ${seed}: ${update} ${evaluation.loss.toPrecision(3)}`);
    if (task.isSolved(evaluation)) ended = 'solved';
    else if (!Number.isFinite(evaluation.loss)) ended = 'not finite';
    else if (spent() > seconds) ended = 'time';
    else continue;
    break;
  }
  if (!isLook(trainer.update)) lines.push(...profiler.take());
  const { horizon, atLeast } = gradientHorizon(horizonLooks(lines), { updates, batchSize });
  return {
    ...{ row: rowName, task: taskName, seed, solvedAt: ended === 'solved' ? trainer.update : null },
    ...{ updates: trainer.update, atMost: updates },
    ...{ loss: evaluation.loss, best, accuracy: evaluation.metric.name === 'accuracy' ? evaluation.metric.value : null },
    ...{ horizon, atLeast, parameters: network.parameters.length, seconds: spent(), ended },
  };
}
