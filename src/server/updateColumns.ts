import { quantile } from '../monitor/quantile.ts';
import type { UpdatesAnswer } from './answers.ts';
import { Buckets, type BucketView } from './buckets.ts';
import type { LineReader } from './lineTail.ts';
import { parsedLine } from './parsedLine.ts';

/** Updates that were not finite, of which the first are kept by name. */
const mostNamed = 1000;

/** A line of `metrics.jsonl`, before it is known to be one. */
interface Line {
  readonly update?: unknown;
  readonly loss?: unknown;
  readonly validationLoss?: unknown;
  readonly gradientNorm?: unknown;
  readonly clippedNorm?: unknown;
  readonly learningRate?: unknown;
  readonly nonFinite?: unknown;
  readonly clip?: { readonly share?: unknown } | null;
  readonly throughTime?: { readonly newest?: unknown; readonly oldest?: unknown } | null;
}

const columnNames = [
  'loss',
  'validationLoss',
  'gradientNorm',
  'clippedNorm',
  'learningRate',
  'clipped',
  'nonFinite',
  'newest',
  'oldest',
] as const satisfies (keyof UpdatesAnswer)[];
type ColumnName = (typeof columnNames)[number];

/** JSON has no NaN and no infinity, and a run writes them as strings. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : undefined;
}

/** The curves of a run: `metrics.jsonl` in bounded memory, whatever its length. */
export class UpdateColumns implements LineReader {
  readonly #columns = Object.fromEntries(columnNames.map((name) => [name, new Buckets()])) as Record<ColumnName, Buckets>;
  /** The first that were not finite. */
  readonly nonFinite: { update: number; what: string }[] = [];
  nonFiniteCount = 0;
  lastLoss: number | null = null;
  lastValidationLoss: number | null = null;

  get updates(): number {
    return this.#columns.loss.length;
  }

  restart(): void {
    for (const column of Object.values(this.#columns)) column.clear();
    this.nonFinite.length = 0;
    [this.nonFiniteCount, this.lastLoss, this.lastValidationLoss] = [0, null, null];
  }

  /** @throws Error for a line that is not that of its update. */
  take(text: string, line: number): void {
    const value: Line = parsedLine(text);
    if (value.update !== line) throw new Error(`metrics.jsonl:${line}: is not the record of update ${line}`);
    const columns = this.#columns;
    const loss = numberOf(value.loss);
    const validationLoss = numberOf(value.validationLoss);
    const [norm, clippedNorm] = [numberOf(value.gradientNorm), numberOf(value.clippedNorm)];
    columns.loss.add(loss);
    columns.validationLoss.add(validationLoss);
    columns.gradientNorm.add(norm);
    columns.clippedNorm.add(clippedNorm);
    columns.learningRate.add(numberOf(value.learningRate));
    const share = numberOf(value.clip?.share);
    columns.clipped.add((norm !== undefined && clippedNorm !== undefined && clippedNorm < norm) || (share ?? 0) > 0 ? 1 : 0);
    columns.nonFinite.add(typeof value.nonFinite === 'string' ? 1 : 0);
    columns.newest.add(numberOf(value.throughTime?.newest));
    columns.oldest.add(numberOf(value.throughTime?.oldest));
    this.lastLoss = loss !== undefined && Number.isFinite(loss) ? loss : null;
    if (validationLoss !== undefined) this.lastValidationLoss = Number.isFinite(validationLoss) ? validationLoss : null;
    if (typeof value.nonFinite === 'string') {
      this.nonFiniteCount++;
      if (this.nonFinite.length < mostNamed) this.nonFinite.push({ update: line, what: value.nonFinite });
    }
  }

  /** The updates from `from` to `to`, counted from 1, in about `points` equal spans at most. */
  view(from: number, to: number, points: number): UpdatesAnswer {
    const updates = this.updates;
    const last = Math.min(to, updates);
    const span = this.#columns.loss.spanFor(from, Math.max(from, last), points);
    const firstSpan = Math.floor((from - 1) / span);
    const lastSpan = last < from ? firstSpan - 1 : Math.floor((last - 1) / span);
    const views = Object.fromEntries(
      Object.entries(this.#columns).map(([name, column]) => [name, column.view(firstSpan, lastSpan, span)]),
    ) as Record<ColumnName, BucketView>;
    const update: number[] = [];
    for (let index = firstSpan; index <= lastSpan; index++) update.push(Math.min((index + 1) * span, updates));
    return { updates, span, update, ...views, quantiles: this.#quantiles(from, last) };
  }

  #quantiles(from: number, to: number): UpdatesAnswer['quantiles'] {
    const values = Float64Array.from(this.#columns.gradientNorm.values(from, to)).sort();
    if (values.length === 0) return null;
    const at = (share: number) => quantile(values, share);
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), largest: values[values.length - 1] };
  }
}
