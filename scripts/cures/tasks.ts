import type { TaskOptions } from '../../src/data/task/task.ts';
import type { Evaluation } from '../../src/training/evaluator.ts';

/** A task whose answer is known to need a long memory. */
export interface CureTask {
  readonly name: string;
  readonly data: TaskOptions;
  /** Steps back to what the answer needs, as the data horizon counts them. */
  readonly needs: number;
  /** Hidden units of a plain network. */
  readonly units: number;
  readonly batchSize: number;
  /** Updates at most, of the rows that do not say otherwise. */
  readonly updates: number;
  /** What solved means, and whether an evaluation on sequences that were not trained on is that. */
  readonly solved: string;
  isSolved(evaluation: Evaluation): boolean;
}

const many = { trainSequences: 40_000, validationSequences: 500 } as const;
const small = { units: 64, batchSize: 32, updates: 4000 } as const;
const below = (loss: number) => ({ solved: `loss below ${loss}`, isSolved: (found: Evaluation) => found.loss < loss });
const accurate = { solved: 'fewer than 1% errors', isSolved: ({ metric }: Evaluation) => metric.value > 0.99 };

export const tasks: readonly CureTask[] = [
  {
    name: 'adding 100',
    data: { kind: 'task', name: 'adding', length: 100, ...many },
    needs: 100,
    ...small,
    ...below(1e-3),
  },
  {
    name: 'adding 200',
    data: { kind: 'task', name: 'adding', length: 200, ...many },
    needs: 200,
    ...small,
    ...below(1e-3),
  },
  {
    name: 'copy 100',
    data: { kind: 'task', name: 'copying', length: 100, ...many },
    needs: 111,
    ...{ units: 128, batchSize: 32, updates: 10_000 },
    ...below(1e-3),
  },
  {
    name: 'temporal order 100',
    data: { kind: 'task', name: 'temporalOrder', length: 100, ...many },
    needs: 90,
    ...small,
    ...accurate,
  },
  {
    name: 'recall 100',
    data: { kind: 'task', name: 'recall', lag: 100, symbols: 4, ...many },
    needs: 101,
    ...small,
    ...accurate,
  },
];
