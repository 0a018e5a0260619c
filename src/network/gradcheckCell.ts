import { Random, seedFor } from '../compute/random.ts';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { allocateBatch, type Batch } from './batch.ts';
import type { Cell } from './cell/cell.ts';
import { type ArrayCheck, type GradcheckReport, gradcheck, gradcheckDefaults, totals } from './gradcheck.ts';
import type { LossName } from './loss/loss.ts';
import { losses } from './loss/losses.ts';
import { initialize, Network } from './network.ts';

/**
 * Which targets count: each sequence's last step; every step; some steps of each sequence; every step of sequences of
 * different lengths.
 */
export const readings = ['last', 'every', 'masked', 'lengths'] as const;
export type Reading = (typeof readings)[number];

/** One small network and batch around a cell. */
export interface GradcheckCase {
  readonly layers: number;
  readonly residual: boolean;
  readonly loss: LossName;
  readonly reading: Reading;
  readonly input: 'vectors' | 'symbols';
  /** Probability of dropout between layers, with masks that stay the same. */
  readonly dropout: number;
  /** Steps after which a state is carried into the window that is checked; 0 for a sequence from its beginning. */
  readonly carriedSteps: number;
}

/** How a cell's gradient is checked. */
export interface GradcheckCellOptions {
  /** Largest relative difference; 1e-6 by default. */
  readonly tolerance?: number;
  /** Numbers checked of each parameter, at most; 24 by default. */
  readonly sample?: number;
  /** Of the parameters, the data and the draw; 0 by default. */
  readonly seed?: number;
  /** T, B, I, H and O of the networks; 5, 3, 2, 3 and 2 by default. */
  readonly sizes?: Partial<GradcheckSizes>;
}

export interface GradcheckSizes {
  readonly T: number;
  readonly B: number;
  readonly I: number;
  readonly H: number;
  readonly O: number;
}

export interface GradcheckCaseReport extends GradcheckReport {
  readonly case: GradcheckCase;
  /** The case in words, e.g. `2 layers, residual, crossEntropy, masked`. */
  readonly name: string;
}

/** What `gradcheckCell` found: a table by case, one by parameter, and what is wrong. */
export interface GradcheckCellReport {
  readonly cell: string;
  readonly ok: boolean;
  readonly checked: number;
  readonly kinks: number;
  readonly wrong: number;
  readonly largestRelative: number;
  readonly tolerance: number;
  readonly cases: readonly GradcheckCaseReport[];
  /** Over all cases, by the name of the array: the sums, and the worst of them. */
  readonly arrays: readonly (ArrayCheck & { readonly worstCase: string })[];
  /** Every array of every case in which a number differs. */
  readonly failures: readonly (ArrayCheck & { readonly case: string })[];
}

const defaultSizes: GradcheckSizes = { T: 5, B: 3, I: 2, H: 3, O: 2 };

/** All the small networks that a cell is checked in. */
export function gradcheckCases(): GradcheckCase[] {
  const cases: GradcheckCase[] = [];
  const structures = [
    { layers: 1, residual: false },
    { layers: 2, residual: false },
    { layers: 2, residual: true },
  ];
  const plain = { input: 'vectors', dropout: 0, carriedSteps: 0 } as const;
  for (const structure of structures) {
    for (const loss of Object.keys(losses) as LossName[]) {
      for (const reading of readings) cases.push({ ...structure, loss, reading, ...plain });
    }
    for (const reading of readings) cases.push({ ...structure, loss: 'mse', reading, ...plain, carriedSteps: 3 });
    cases.push({ ...structure, loss: 'crossEntropy', reading: 'lengths', ...plain, input: 'symbols' });
    if (structure.layers > 1) cases.push({ ...structure, loss: 'mse', reading: 'lengths', ...plain, dropout: 0.4 });
  }
  return cases;
}

/**
 * Builds small networks around any cell (one of `cells`, or your own) and checks the gradient of each by central
 * differences: one and two layers, with and without residual connections, every loss, every reading, vectors and symbols,
 * dropout, and a truncated window that begins with a carried state. In float64, a few seconds in all.
 *
 * @example
 * ```ts
 * import { cells, gradcheckCell } from 'throughtime';
 *
 * const { ok, largestRelative } = gradcheckCell(cells[0], { sample: 2 });
 * console.log(ok, largestRelative < 1e-6); // true true
 * ```
 */
export function gradcheckCell(cell: Cell, options: GradcheckCellOptions = {}): GradcheckCellReport {
  const { tolerance = gradcheckDefaults.tolerance, sample = 24, seed = 0 } = options;
  const sizes = { ...defaultSizes, ...options.sizes };
  const cases = gradcheckCases().map((each, index): GradcheckCaseReport => {
    const { network, batch, before } = setUp(cell, each, sizes, seedFor(seed, 'gradcheck case', index));
    const report = gradcheck(network, batch, losses[each.loss], {
      tolerance,
      sample,
      seed,
      dropoutSeed: each.dropout > 0 ? seed : undefined,
      carried: before && { batch: before, steps: each.carriedSteps },
    });
    return { case: each, name: nameOf(each), ...report };
  });
  const failures = cases.flatMap(({ name, arrays }) => arrays.filter(({ ok }) => !ok).map((array) => ({ ...array, case: name })));
  return { cell: cell.name, ok: failures.length === 0, ...totals(cases), tolerance, cases, arrays: byArray(cases), failures };
}

/** The network and batch of a case, with random parameters and data, and the window before where there is one. */
export function setUp(cell: Cell, each: GradcheckCase, { T, B, I, H, O }: GradcheckSizes, seed: number) {
  const backend = scalarBackend();
  const random = new Random(seed);
  const model = { cell, hiddenSize: H, layers: each.layers, residual: each.residual, dropout: each.dropout };
  const network = new Network(backend, model, { kind: each.input, size: I }, O);
  initialize(network, model, random.bits());
  const make = (steps: number) => {
    const kind = losses[each.loss].target;
    const batch = allocateBatch(backend, { kind: each.input, size: I }, { kind, size: O }, steps, B);
    fillBatch(batch, each.reading, random);
    return batch;
  };
  const before = each.carriedSteps > 0 ? make(each.carriedSteps) : undefined;
  // All of its steps are data: a sequence that is over carries nothing.
  before?.lengths.fill(each.carriedSteps);
  return { network, batch: make(T), before };
}

/** Random inputs and targets, those of `reading` counted. Of different lengths, the first sequence has all T steps. */
export function fillBatch(batch: Batch, reading: Reading, random: Random): void {
  const { T, B, input, target, lengths } = batch;
  for (let b = 0; b < B; b++) lengths[b] = reading === 'lengths' && b > 0 ? 1 + random.below(T) : T;
  batch.counted = 0;
  for (let t = 0; t < T; t++) {
    for (let b = 0; b < B; b++) {
      const row = t * B + b;
      const data = t < lengths[b];
      if (input.kind === 'symbols') batch.symbols[row] = data ? random.below(input.size) : 0;
      else for (let i = 0; i < input.size; i++) batch.vectors[row * input.size + i] = data ? random.normal() : 0;
      // Of a masked sequence two steps in three count, and the last one always.
      const counts = reading === 'last' ? t === T - 1 : reading === 'masked' ? t === T - 1 || (t + b) % 3 !== 0 : data;
      if (!counts) continue;
      const at = batch.counted++;
      batch.rows[at] = row;
      if (target.kind === 'classes') batch.classes[at] = random.below(target.size);
      else for (let o = 0; o < target.size; o++) batch.values[at * target.size + o] = random.uniform();
    }
  }
}

function nameOf({ layers, residual, loss, reading, input, dropout, carriedSteps }: GradcheckCase): string {
  const parts = [
    layers === 1 ? '1 layer' : `${layers} layers`,
    residual ? 'residual' : '',
    loss,
    reading,
    input === 'symbols' ? 'symbols' : '',
    dropout > 0 ? `dropout ${dropout}` : '',
    carriedSteps > 0 ? 'carried state' : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function byArray(cases: readonly GradcheckCaseReport[]): (ArrayCheck & { worstCase: string })[] {
  const names = [...new Set(cases.flatMap(({ arrays }) => arrays.map(({ name }) => name)))];
  return names.map((name) => {
    const found = cases.flatMap((each) => each.arrays.filter((array) => array.name === name).map((array) => ({ each, array })));
    const worst = found.reduce((a, b) => (b.array.largestRelative <= a.array.largestRelative ? a : b));
    return {
      ...worst.array,
      ...totals(found.map(({ array }) => array)),
      largestAbsolute: Math.max(...found.map(({ array }) => array.largestAbsolute)),
      ok: found.every(({ array }) => array.ok),
      worstCase: worst.each.name,
    };
  });
}
