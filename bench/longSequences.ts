/**
 * Very long sequences: what a step costs and how much memory the process takes, from 1,000 steps at once to a million in segments;
 * and whether a step costs the same however many of them there are. `node bench/longSequences.ts` prints tables and JSON, with
 * `--json` JSON alone. Every measurement is a training in a process of its own, from the data set to the optimizer.
 */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { Random } from '../src/compute/random.ts';
import { wasmBackend } from '../src/compute/wasm/wasm.ts';
import { SequencesBuilder, StoredSequences } from '../src/data/storedSequences.ts';
import type { ModelOptions } from '../src/network/model.ts';
import { initialize, Network } from '../src/network/network.ts';
import type { MemoryPlan } from '../src/network/unroll/memoryPlan.ts';
import { trainingDefaults } from '../src/training/options.ts';
import { Trainer } from '../src/training/trainer.ts';

/** An LSTM of 128 units that reads 2 numbers and predicts one at every step, so that a step costs the same wherever it stands. */
const [H, I] = [128, 2];

interface Case {
  readonly T: number;
  readonly B: number;
  /** `training.memory` */
  readonly memory?: string;
  readonly updates: number;
}

interface Measured {
  readonly plan: MemoryPlan;
  /** Median over the updates of the time of one, per step and sequence. */
  readonly microseconds: number;
  /** The same of the processor's time, in which the work of others on the machine does not count. */
  readonly processor: number;
  /** Largest resident size of the process, in bytes. */
  readonly peak: number;
}

/** The median of several processes. */
export interface LongCase extends Case, Measured {}

export interface LongReport {
  readonly machine: string;
  /** One sequence, from 1,000 steps at once to a million in segments. */
  readonly long: readonly LongCase[];
  /** Many sequences, each number of steps at once, and in segments. */
  readonly constant: readonly LongCase[];
  readonly bounded: readonly LongCase[];
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Trains in this process. */
async function measure({ T, B, memory, updates }: Case): Promise<Measured> {
  const random = new Random(1);
  const builder = new SequencesBuilder();
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      for (let i = 0; i < I; i++) builder.vectors.push(random.normal());
      builder.targetSteps.push(t);
      builder.values.push(random.normal());
    }
    builder.end(T);
  }
  const data = new StoredSequences(
    { input: { kind: 'vectors', size: I }, target: { kind: 'values', size: 1 }, loss: 'mse' },
    builder.take(),
  );
  const model: ModelOptions = { cell: 'lstm', hiddenSize: H };
  const network = new Network(await wasmBackend(), model, data.input, 1);
  initialize(network, model, 0);
  const options = { ...trainingDefaults, batchSize: B, updates: updates + 1 };
  const trainer = new Trainer(network, data, { ...options, memory });
  // The first update is the one that touches the memory for the first time.
  trainer.step();
  const seconds: number[] = [];
  const processor: number[] = [];
  while (!trainer.done) {
    const before = process.cpuUsage();
    seconds.push(trainer.step().seconds);
    const { user, system } = process.cpuUsage(before);
    processor.push(user + system);
  }
  return {
    plan: trainer.plan,
    microseconds: (1e6 * median(seconds)) / (T * B),
    processor: median(processor) / (T * B),
    peak: 1024 * process.resourceUsage().maxRSS,
  };
}

/** Each case `rounds` times, all of them in turn, in processes of their own. */
function rounds(cases: readonly Case[], count: number, say: (text: string) => void): LongCase[] {
  const found = cases.map((): Measured[] => []);
  for (let round = 0; round < count; round++) {
    for (const [index, each] of cases.entries()) {
      say(`${each.T} steps of ${each.B}${each.memory ? `, ${each.memory}` : ''}: round ${round + 1} of ${count}\n`);
      const answer = execFileSync(process.execPath, [import.meta.filename, '--case', JSON.stringify(each)], { encoding: 'utf8' });
      found[index].push(JSON.parse(answer) as Measured);
    }
  }
  return cases.map((each, index) => ({
    ...each,
    plan: found[index][0].plan,
    microseconds: median(found[index].map(({ microseconds }) => microseconds)),
    processor: median(found[index].map(({ processor }) => processor)),
    peak: median(found[index].map(({ peak }) => peak)),
  }));
}

/** About as many updates as take the time of `steps` steps of one sequence, between 2 and 200. */
const updatesFor = (T: number, B: number, steps: number) => Math.max(2, Math.min(200, Math.round(steps / (T * B))));

/** @param quick leaves out what takes minutes. */
export async function benchLongSequences(say: (text: string) => void = () => {}, quick = false): Promise<LongReport> {
  const single = (T: number, memory?: string): Case => ({ T, B: 1, memory, updates: updatesFor(T, 1, T > 1e5 ? 0 : 2e5) });
  const many = (T: number, B: number, memory?: string): Case => ({ T, B, memory, updates: updatesFor(T, B, 1e6) });
  const million = quick ? 100_000 : 1_000_000;
  const steps = quick ? [50, 500, 5000] : [50, 500, 5000, 50_000];
  const singles = [single(1000), single(30_000), single(30_000, '16MB'), single(million, '256MB'), single(million, '3MB')];
  return {
    machine: `${os.cpus()[0].model}, ${os.availableParallelism()} cores, Node ${process.version}, 1 thread`,
    long: rounds(singles, 3, say),
    constant: rounds(
      steps.map((T) => many(T, 16)),
      3,
      say,
    ),
    bounded: rounds(
      steps.map((T) => many(T, 32, '256MB')),
      3,
      say,
    ),
  };
}

const heads = [
  'B',
  'T',
  'plan',
  'segments',
  'states',
  'MB of arrays',
  'forward again',
  'us a step',
  'processor us',
  'of the first',
  'peak MB',
];

function table(cases: readonly LongCase[]): string {
  const rows = cases.map(({ T, B, plan, microseconds, processor, peak }) => [
    String(B),
    String(T),
    plan.plan,
    String(plan.segments),
    String(plan.slots),
    (plan.bytes / 1e6).toFixed(1),
    plan.extraForward.toFixed(2),
    microseconds.toFixed(2),
    processor.toFixed(2),
    (processor / cases[0].processor).toFixed(2),
    (peak / 1e6).toFixed(0),
  ]);
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column].length)));
  return [heads, ...rows].map((row) => row.map((cell, column) => cell.padStart(widths[column])).join('  ')).join('\n');
}

/** The report as tables. */
export function longTable({ machine, long, constant, bounded }: LongReport): string {
  return [
    `LSTM of ${H} units, ${I} inputs, a loss at every step; a whole update with Adam; microseconds per step and sequence. ${machine}`,
    ...['', 'One sequence', table(long)],
    ...['', 'All steps at once', table(constant)],
    ...['', 'In 256 MB', table(bounded)],
  ].join('\n');
}

if (import.meta.main) {
  const at = process.argv.indexOf('--case');
  if (at > 0) {
    process.stdout.write(JSON.stringify(await measure(JSON.parse(process.argv[at + 1]) as Case)));
  } else {
    const report = await benchLongSequences((text) => process.stderr.write(text), process.argv.includes('--quick'));
    if (!process.argv.includes('--json')) process.stdout.write(`${longTable(report)}\n`);
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }
}
