import { Random, seedFor } from '../../compute/random.ts';
import { withoutCopies } from './copies.ts';
import type { Samples } from './samples.ts';

/**
 * Counted targets of one half of the data, unit by unit: row u * perUnit + j is the j-th of unit u, in the order of the steps. Units are
 * what is exchanged and what counts as one case: sequences, groups of them, or blocks of a stream.
 */
export interface Rows {
  readonly count: number;
  readonly units: number;
  readonly perUnit: number;
  /** [count] index of each row's target. */
  readonly targets: Int32Array;
  /** [count] where its newest input is, counted over all steps of all sequences. */
  readonly places: Int32Array;
  /** [count] how many inputs it may look at: those of its own sequence, or of its window. */
  readonly reach: Int32Array;
  /** [count] step within its sequence. */
  readonly steps: Int32Array;
  /** [count] place in the order of the data, 0 to 1. */
  readonly times: Float64Array;
  /** How many sequences there are rows of. */
  readonly sequences: number;
  /** All targets of this half, of which the rows are some. */
  readonly pieces: readonly Piece[];
}

/** Targets [from, past) of one sequence. */
export interface Piece {
  readonly sequence: number;
  readonly from: number;
  readonly past: number;
}

export interface Division {
  /** Disjoint in sequences, or in stretches of a stream that do not read each other's inputs. */
  readonly halves: readonly [Rows, Rows];
  /** Longest window that is looked at. */
  readonly longest: number;
  readonly unit: 'sequence' | 'sequences' | 'block';
  /** Sequences, or steps, of one unit. */
  readonly unitSize: number;
  /** How many sequences (or steps of a stream) are used. */
  readonly cases: number;
  /** Sequences that merely repeat another one, and are left out. */
  readonly copies: number;
}

/** Below this many sequences with a target, they are cut into blocks, unless each has but a few targets. */
const fewSequences = 64;
const fewTargets = 8;
/** Fewer say nothing. */
export const leastSequences = 40;
/** Counted targets that are looked at, all in all, where sequences have several. */
const wantedRows = 5000;
/** The same of streams: of symbols, whose lags cost little, and of numbers. */
const wantedOfStream = { symbols: 8000, vectors: 5000 };
const mostSequences = 12_000;
const mostUnits = 128;
const streamUnits = 64;
const leastUnits = 20;
/** Stretches of the data that go to one half and the other in turn. */
const stretches = 16;
/** Of a stream, where nothing else is said. */
const streamWindow = 256;

/**
 * @param blockSteps least steps of a block of a stream, from its correlation time.
 * @returns the division, or how many copies were left out where there are too few cases.
 */
export function divide(samples: Samples, seed: number, longest: number | undefined, blockSteps: number): Division | number {
  const random = new Random(seedFor(seed, 'rows'));
  const all: number[] = [];
  for (let n = 0; n < samples.count; n++) if (samples.targetStarts[n + 1] > samples.targetStarts[n]) all.push(n);
  const counted = withoutCopies(samples, all);
  const copies = all.length - counted.length;
  const targets = samples.targetSteps.length / Math.max(1, counted.length);
  return counted.length >= fewSequences || (targets < fewTargets && counted.length >= leastSequences)
    ? { ...bySequence(samples, counted, random, longest), copies }
    : (byBlock(samples, counted, random, longest, blockSteps, copies) ?? copies);
}

function bySequence(samples: Samples, counted: readonly number[], random: Random, longest: number | undefined): Omit<Division, 'copies'> {
  const N = Math.min(counted.length, mostSequences);
  const chosen = Array.from({ length: N }, (_, i) => counted[Math.floor((i * counted.length) / N)]);
  let mostTargets = 1;
  for (const n of chosen) mostTargets = Math.max(mostTargets, samples.targetStarts[n + 1] - samples.targetStarts[n]);
  const perSequence = Math.max(1, Math.min(mostTargets, Math.round(wantedRows / N)));
  const sides: Piece[][][] = [[], []];
  const group = Math.ceil(N / 2 / mostUnits);
  for (const side of [0, 1]) {
    const mine = chosen.filter((_, i) => Math.floor((i * stretches) / N) % 2 === side);
    for (let u = 0; u + group <= mine.length; u += group) {
      sides[side].push(
        mine.slice(u, u + group).map((sequence) => ({
          sequence,
          from: samples.targetStarts[sequence],
          past: samples.targetStarts[sequence + 1],
        })),
      );
    }
  }
  const halves = sides.map((units) => rowsOf(samples, units, perSequence, random)) as [Rows, Rows];
  return {
    halves,
    longest: Math.min(samples.longest, longest ?? samples.longest),
    unit: group === 1 ? 'sequence' : 'sequences',
    unitSize: group,
    cases: N,
  };
}

function byBlock(
  samples: Samples,
  counted: readonly number[],
  random: Random,
  asked: number | undefined,
  blockSteps: number,
  copies: number,
): Division | undefined {
  const steps = counted.reduce((sum, n) => sum + samples.starts[n + 1] - samples.starts[n], 0);
  const longest = Math.min(samples.longest, asked ?? streamWindow, Math.max(1, Math.floor(steps / 24)));
  const whole = counted.length >= stretches;
  const size = Math.max(1, Math.floor(steps / stretches));
  const stretch = whole ? Number.POSITIVE_INFINITY : Math.max(size, Math.min(3 * longest, Math.floor(steps / 4)));
  const ranges: { sequence: number; from: number; past: number; side: number }[] = [];
  let piece = 0;
  for (const sequence of counted) {
    const length = samples.starts[sequence + 1] - samples.starts[sequence];
    const begin = samples.targetSteps[samples.targetStarts[sequence]];
    for (let from = begin; from < length; from += stretch, piece++) {
      const past = Math.min(length, from + stretch);
      // What reads inputs of the other half's stretch is left out.
      ranges.push({ sequence, from: whole || from === begin ? from : Math.min(past, from + longest), past, side: piece % 2 });
    }
  }
  // As long as is wanted, or shorter where there would be too few.
  let unit = Math.max(Math.floor(steps / 2 / streamUnits), blockSteps, 1);
  const unitsOf = (side: number) =>
    ranges.reduce((sum, range) => sum + (range.side === side ? Math.floor((range.past - range.from) / unit) : 0), 0);
  while (unit > 1 && Math.min(unitsOf(0), unitsOf(1)) < leastUnits) unit = Math.floor(0.9 * unit);
  const sides: Piece[][][] = [[], []];
  for (const { sequence, from, past, side } of ranges) {
    for (let at = from; at + unit <= past; at += unit) {
      const range = { sequence, from: firstTarget(samples, sequence, at), past: firstTarget(samples, sequence, at + unit) };
      if (range.past > range.from) sides[side].push([range]);
    }
  }
  if (Math.min(sides[0].length, sides[1].length) < leastUnits) return undefined;
  const targets = Math.min(...sides.flat(2).map(({ from, past }) => past - from));
  const perUnit = Math.max(1, Math.min(targets, Math.round(wantedOfStream[samples.input.kind] / (sides[0].length + sides[1].length))));
  const halves = sides.map((units) => rowsOf(samples, units, perUnit, random)) as [Rows, Rows];
  return { halves, longest, unit: 'block', unitSize: unit, cases: steps, copies };
}

/** Index of the first target of a sequence at or after a step. */
function firstTarget({ targetStarts, targetSteps }: Samples, sequence: number, step: number): number {
  let at = targetStarts[sequence];
  let past = targetStarts[sequence + 1];
  while (at < past) {
    const middle = Math.floor((at + past) / 2);
    if (targetSteps[middle] < step) at = middle + 1;
    else past = middle;
  }
  return at;
}

/** Of each unit's sequences, so many targets, drawn evenly from all that it has. */
function rowsOf(samples: Samples, units: readonly (readonly Piece[])[], perSequence: number, random: Random): Rows {
  const perUnit = perSequence * (units[0]?.length ?? 0);
  const count = units.length * perUnit;
  const targets = new Int32Array(count);
  const places = new Int32Array(count);
  const reach = new Int32Array(count);
  const steps = new Int32Array(count);
  const times = new Float64Array(count);
  const all = samples.starts[samples.count];
  let row = 0;
  for (const unit of units) {
    for (const { sequence, from, past } of unit) {
      for (const target of picks(from, past, perSequence, random)) {
        const step = samples.targetSteps[target];
        targets[row] = target;
        steps[row] = step;
        places[row] = samples.starts[sequence] + step;
        reach[row] = samples.windows ? samples.longest : step + 1;
        times[row] = places[row] / all;
        row++;
      }
    }
  }
  const pieces = units.flat();
  const sequences = new Set(pieces.map(({ sequence }) => sequence)).size;
  return { count, units: units.length, perUnit, targets, places, reach, steps, times, sequences, pieces };
}

function picks(from: number, past: number, wanted: number, random: Random): number[] {
  const there = past - from;
  if (there <= wanted) return Array.from({ length: wanted }, (_, i) => from + Math.floor((i * there) / wanted));
  const chosen = new Set<number>();
  while (chosen.size < wanted) chosen.add(from + random.below(there));
  return [...chosen].sort((a, b) => a - b);
}
