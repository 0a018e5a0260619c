/**
 * Very long sequences: what a step costs and how much memory the process takes, from 1,000 steps at once to a million in segments;
 * and whether a step costs the same however many of them there are. Every measurement is a training in a process of its own, from
 * the data set to the optimizer. `node bench/longSequences.ts [--quick] [--json file]`.
 */
import { execFileSync } from 'node:child_process';
import { Random } from '../src/compute/random.ts';
import { wasmBackend } from '../src/compute/wasm/wasm.ts';
import { SequencesBuilder, StoredSequences } from '../src/data/storedSequences.ts';
import type { ModelOptions } from '../src/network/model.ts';
import { initialize, Network } from '../src/network/network.ts';
import type { MemoryPlan } from '../src/network/unroll/memoryPlan.ts';
import { trainingDefaults } from '../src/training/options.ts';
import { Trainer } from '../src/training/trainer.ts';
import { answerAlone } from './answer.ts';
import type { Question } from './question.ts';
import { median } from './statistics.ts';
import { digits, table } from './words.ts';

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

/** Medians over processes. */
interface LongCase extends Case, Measured {}

export interface LongAnswer {
  /** One sequence, from 1,000 steps at once to a million in segments. */
  readonly one: readonly LongCase[];
  /** 16 sequences, all steps at once. */
  readonly plain: readonly LongCase[];
  /** 32 sequences in 256 MB. */
  readonly bounded: readonly LongCase[];
}

export const longSequences: Question<LongAnswer> = {
  name: 'longSequences',
  title: 'Very long sequences',
  async measure({ quick, say }) {
    const most = quick ? 100_000 : 1_000_000;
    const many = (T: number, B: number, memory?: string): Case => ({ T, B, memory, updates: updatesFor(T, B, 3e5) });
    const one = (T: number, memory?: string): Case => ({ T, B: 1, memory, updates: updatesFor(T, 1, 2e5) });
    const lengths = quick ? [50, 500, 5000] : [50, 500, 5000, 50_000];
    const count = quick ? 1 : 3;
    return {
      one: rounds([one(1000), one(30_000), one(30_000, '16MB'), one(most, '256MB'), one(most, '16MB'), one(most, '3MB')], count, say),
      plain: rounds(
        lengths.map((T) => many(T, 16)),
        count,
        say,
      ),
      bounded: rounds(
        lengths.map((T) => many(T, 32, '256MB')),
        count,
        say,
      ),
    };
  },
  section({ one, plain, bounded }) {
    return `An LSTM of ${H} units that reads ${I} numbers, with a loss at every step; a whole update with Adam, one thread, each case in a process of its
own. Microseconds are per step and sequence, by the clock and of the processor's time; the last column is the process's largest resident size, the
data and the engine included. Longer sequences than fit go through in segments (docs/math/checkpointed.md).

One sequence, from all steps at once to a million of them in 3 MB of arrays:

${cases(one)}

16 sequences, all steps at once: what a step costs does not depend on how many there are.

${cases(plain)}

32 sequences in 256 MB: from the number of steps on that does not fit, each costs a forward step more.

${cases(bounded)}`;
  },
};

/** About as many updates as `steps` steps of one sequence, between 1 and 200. */
function updatesFor(T: number, B: number, steps: number): number {
  return Math.max(1, Math.min(200, Math.round(steps / (T * B))));
}

/** Each case `count` times, all of them in turn, in processes of their own. */
function rounds(wanted: readonly Case[], count: number, say: (line: string) => void): LongCase[] {
  const found = wanted.map((): Measured[] => []);
  for (let round = 0; round < count; round++) {
    for (const [index, each] of wanted.entries()) {
      const answer = execFileSync(process.execPath, [import.meta.filename, '--case', JSON.stringify(each)], { encoding: 'utf8' });
      const measured = JSON.parse(answer) as Measured;
      found[index].push(measured);
      say(`${each.T} steps of ${each.B}${each.memory ? ` in ${each.memory}` : ''}: ${digits(measured.microseconds)} us`);
    }
  }
  return wanted.map((each, index) => ({
    ...each,
    plan: found[index][0].plan,
    microseconds: median(found[index].map(({ microseconds }) => microseconds)),
    processor: median(found[index].map(({ processor }) => processor)),
    peak: median(found[index].map(({ peak }) => peak)),
  }));
}

const heads = ['steps', 'allowed', 'plan', 'segments', 'states kept', 'forward again', 'us', 'processor us', 'of the first', 'peak MB'];

function cases(measured: readonly LongCase[]): string {
  const rows = measured.map(({ T, memory, plan, microseconds, processor, peak }) => [
    String(T),
    memory ?? '',
    plan.plan,
    String(plan.segments),
    String(plan.slots),
    plan.extraForward.toFixed(2),
    digits(microseconds),
    digits(processor),
    (processor / measured[0].processor).toFixed(2),
    (peak / 1e6).toFixed(0),
  ]);
  return table(heads, rows);
}

/** Trains in this process. */
async function measureCase({ T, B, memory, updates }: Case): Promise<Measured> {
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
  const shape = { input: { kind: 'vectors', size: I }, target: { kind: 'values', size: 1 }, loss: 'mse' } as const;
  const data = new StoredSequences(shape, builder.take());
  const model: ModelOptions = { cell: 'lstm', hiddenSize: H };
  const network = new Network(await wasmBackend(), model, data.input, 1);
  initialize(network, model, 0);
  const trainer = new Trainer(network, data, { ...trainingDefaults, batchSize: B, updates: updates + 1, memory });
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

if (import.meta.main) {
  const at = process.argv.indexOf('--case');
  if (at > 0) process.stdout.write(JSON.stringify(await measureCase(JSON.parse(process.argv[at + 1]) as Case)));
  else await answerAlone(longSequences);
}
