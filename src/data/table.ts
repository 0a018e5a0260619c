import type { ByteSize } from '../compute/bytes.ts';
import { ThroughtimeError } from '../errors.ts';
import { type CalendarFeature, checkedCalendar } from './calendar.ts';
import { CompleteRows } from './completeRows.ts';
import type { Baseline, DataParts } from './dataset.ts';
import { checkedMissing, type MissingOption } from './missing.ts';
import { optionError, refuseOtherFields, show, switchOption, wholeOption } from './options.ts';
import { RowLines } from './rowLines.ts';
import { RowStore, type RowStoreOptions } from './rowStore.ts';
import { repeatedSeasonLoss, seasonOfDay } from './tableBaselines.ts';
import { TableWindows } from './tableWindows.ts';
import { readTime } from './time.ts';

/** A `data` entry of kind `table`. */
export interface TableOptions {
  readonly kind: 'table';
  /** Path, for whoever opens the file. */
  readonly path?: string;
  /** The column of timestamps, which must be evenly spaced; absent: rows are taken to be. */
  readonly time?: string;
  /** The columns that are read. */
  readonly inputs: readonly string[];
  /** The column that is predicted; it may be among the inputs or not. */
  readonly target: string;
  /** How many rows a prediction reads. */
  readonly window: number;
  /** How many of the next rows' targets it predicts. */
  readonly horizon: number;
  /**
   * Shares of the rows, adding up to 1 at most, or numbers of rows: training, validation, test; or when each of them ends, as timestamps.
   * Default [0.6, 0.2, 0.2].
   */
  readonly split?: readonly number[] | readonly string[];
  /** By the training rows' means and deviations; default true. */
  readonly standardize?: boolean;
  /** Whether a window's inputs, and its target, are differences from its newest row; default false. */
  readonly relative?: boolean;
  /** Rows of one season; default: those of a day, where `time` is given and a day has a whole number of rows. */
  readonly season?: number;
  /** What takes the place of numbers that are missing, and of rows where `time` is given; default `refuse`. */
  readonly missing?: MissingOption;
  /** Inputs from the clock that the timestamps are of. */
  readonly calendar?: readonly CalendarFeature[];
  /** The most bytes that a compressed file may unpack to, for whoever opens it. */
  readonly unpacked?: ByteSize;
}

/** The columns of a table as `readCsv` gives them; N rows. */
export interface TableColumns {
  readonly file: string;
  /** [N] the line of each row in the file. */
  readonly lines: ArrayLike<number>;
  /** Columns of numbers, [N] each. */
  readonly numbers: Readonly<Record<string, Float64Array>>;
  /** Columns of text, [N] each. */
  readonly texts: Readonly<Record<string, readonly string[]>>;
}

const fields = [
  ...['kind', 'path', 'time', 'inputs', 'target', 'window', 'horizon', 'split', 'standardize', 'season'],
  ...['relative', 'missing', 'calendar', 'unpacked'],
];

/** Which columns a table's options need, for `readCsv`, and whether numbers may be missing. @throws EXPERIMENT_INVALID as `tableData`. */
export function neededColumns(options: TableOptions): { numbers: string[]; texts: string[]; missing: boolean } {
  const checked = checkedOptions(options);
  return {
    numbers: numberColumns(checked),
    texts: checked.time === undefined ? [] : [checked.time],
    missing: checked.missing !== 'refuse',
  };
}

/** Columns of numbers in the file: the inputs in their order, and the target. */
function numberColumns({ inputs, target }: Pick<TableOptions, 'inputs' | 'target'>): string[] {
  return [...new Set([...inputs, target])];
}

/**
 * Windows over the rows of a table: the input is `window` rows of the input columns, the target the next `horizon` values of the
 * target column, read at the window's last step.
 *
 * The split is by time, and nothing is learned from a later part: the rows that a part predicts lie inside it, and means and deviations
 * are those of the training rows. The rows that a validation or test window reads may lie before its part (as is usual for the
 * ETT data), because they are past when the prediction is made.
 *
 * With `relative`, a window's input columns are differences from its newest row, and its targets from the newest value of the target: what is
 * learned is how the future departs from now, which holds where the level drifts (Zeng et al. 2023, "Are transformers effective for time series
 * forecasting?", section 4, where a linear layer is preceded by it). The loss is the same, because the errors are.
 *
 * The baselines are means of squares over the validation windows and the horizon, in the same (standardised) unit as the loss:
 * `lastValue` repeats the newest value, `seasonal` the newest value of the same phase of the season.
 *
 * @throws EXPERIMENT_INVALID for an option, DATA_INVALID with file, line and column for uneven times, DATA_TOO_SHORT where a part has
 * no window.
 */
export function tableData(table: TableColumns, options: TableOptions): DataParts {
  const { numbers, texts } = neededColumns(options);
  const builder = new TableBuilder(options, table.file);
  const columns = numbers.map((name) => numbersOf(table, name));
  const times = texts.length > 0 ? table.texts[texts[0]] : undefined;
  const values = new Float64Array(columns.length);
  for (let row = 0; row < table.lines.length; row++) {
    for (let column = 0; column < columns.length; column++) values[column] = columns[column][row];
    builder.add(values, table.lines[row], times?.[row]);
  }
  return builder.finish();
}

/** Takes the rows of a table one by one, as they come out of a file, and makes of them what `tableData` says. */
export class TableBuilder {
  readonly #file: string;
  readonly #options: ReturnType<typeof checkedOptions>;
  readonly #names: readonly string[];
  readonly #store: RowStore;
  readonly #lines = new RowLines();
  readonly #rows: CompleteRows;
  /** Of a split by times: the rows at which parts end, as far as they have been found. */
  readonly #ends: number[] = [];
  /** The time of the newest row. */
  #last: number | undefined;

  /**
   * @param file the table's name in errors.
   * @param store where the rows are kept.
   * @throws EXPERIMENT_INVALID for an option.
   */
  constructor(options: TableOptions, file: string, store: RowStoreOptions = {}) {
    this.#options = checkedOptions(options);
    this.#file = file;
    const { inputs, target, split } = this.#options;
    const others = inputs.includes(target) ? [] : [target];
    this.#rows = new CompleteRows({ ...this.#options, file, others }, (values, line, time) => {
      if (split.unit === 'times' && time !== undefined) {
        while (time >= split.sizes[this.#ends.length]) this.#ends.push(this.#store.count);
      }
      this.#last = time;
      this.#store.add(values);
      this.#lines.add(line);
    });
    this.#names = this.#rows.columns;
    this.#store = new RowStore(this.#names.length, store);
  }

  /**
   * @param values the next row's numbers, in the order of `neededColumns`.
   * @param line where it stands in the file.
   * @param time its timestamp, where the options name a column of them.
   * @throws DATA_INVALID with file, line and column for a time that is none or not even with those before.
   */
  add(values: ArrayLike<number>, line: number, time = ''): void {
    this.#rows.add(values, line, time);
  }

  /** All rows have been added. @throws as `tableData`. */
  finish(): DataParts {
    try {
      return this.#finish();
    } catch (cause) {
      this.close();
      throw cause;
    }
  }

  /** Gives back what holds the rows; to be called where `finish` is not. */
  close(): void {
    this.#store.close();
  }

  #finish(): DataParts {
    const { inputs, target, window, horizon, calendar, relative } = this.#options;
    this.#rows.finish();
    const split = this.#splitByRows();
    const names = this.#names;
    const file = this.#file;
    const store = this.#store;
    const parts = splitRows(store.count, split, window, horizon, file);
    const place = (row: number, column: number) => ({ file, line: this.#lines.of(row), field: names[column] });
    const { rows, moments } = store.finish(this.#options.standardize ? parts[0].past : 0, place);
    const shape = {
      inputs: inputs.length + 2 * calendar.length,
      target: names.indexOf(target),
      steps: window,
      horizon,
      relative: relative ? inputs.length : 0,
    };
    const windows = parts.map(({ from, past }) => new TableWindows(rows, { ...shape, first: Math.max(from, window), past }));

    const validation = parts[1];
    const repeated = (name: string, rowsBefore: number): Baseline => {
      const [loss, test] = parts.slice(1).map((part) => repeatedSeasonLoss(rows, shape.target, part, horizon, rowsBefore));
      return { name, loss, ...(test === undefined ? {} : { test }) };
    };
    const baselines: Baseline[] = [repeated('lastValue', 1)];
    const season = this.#season(validation.from);
    if (season !== undefined) baselines.push(repeated('seasonal', season));
    const filled = this.#rows.filled;
    return {
      train: windows[0],
      validation: windows[1],
      ...(windows.length > 2 ? { test: windows[2] } : {}),
      description: {
        kind: 'table',
        inputs: [...inputs],
        ...(calendar.length === 0 ? {} : { calendar: [...calendar] }),
        target,
        window,
        horizon,
        ...(relative ? { relative } : {}),
        means: Object.fromEntries(names.map((name, column) => [name, moments.means[column]])),
        deviations: Object.fromEntries(names.map((name, column) => [name, moments.deviations[column]])),
        ...(Object.keys(filled.numbers).length === 0 ? {} : { filled }),
      },
      baselines,
      ...(store.spilled ? { close: () => store.close() } : {}),
    };
  }

  /** The split in shares or rows, that by times in rows. @throws DATA_TOO_SHORT where a part ends after the last row. */
  #splitByRows(): Split {
    const { split } = this.#options;
    if (split.unit !== 'times') return { unit: split.unit, sizes: split.sizes };
    const ends = [...this.#ends];
    const { step = 0 } = this.#rows;
    const after = this.#last === undefined ? Number.NaN : this.#last + step;
    if (ends.length === split.sizes.length - 1 && split.sizes[ends.length] === after) ends.push(this.#store.count);
    if (ends.length < split.sizes.length) {
      const at = new Date(split.sizes[ends.length]).toISOString();
      const sentence = `ends before ${at}, where data.split has the end of a part; choose an earlier time`;
      throw new ThroughtimeError('DATA_TOO_SHORT', sentence, { file: this.#file });
    }
    return { unit: 'rows', sizes: ends.map((end, part) => end - (part === 0 ? 0 : ends[part - 1])) };
  }

  /** Rows of a season, where there is one and it has passed before the validation part. */
  #season(validationFrom: number): number | undefined {
    const { season } = this.#options;
    if (season !== undefined && season > validationFrom) {
      const sentence = `must be at most the ${validationFrom} rows before the validation part, got ${season}; lower or remove it`;
      throw optionError('season', sentence);
    }
    const rows = season ?? seasonOfDay(this.#rows.step);
    return rows !== undefined && rows <= validationFrom ? rows : undefined;
  }
}

function numbersOf({ file, numbers, lines }: TableColumns, name: string): Float64Array {
  const values = Object.hasOwn(numbers, name) ? numbers[name] : undefined;
  if (values?.length === lines.length) return values;
  const sentence = `must be a column of ${lines.length} numbers, got ${values === undefined ? 'none of this name' : values.length}; read it too`;
  throw new ThroughtimeError('DATA_INVALID', sentence, { file, field: name });
}

function checkedOptions(options: TableOptions) {
  refuseOtherFields(options, fields, 'data of kind "table"');
  const { inputs, target, time } = options;
  if (!Array.isArray(inputs) || inputs.length === 0 || !inputs.every(isName)) {
    throw optionError('inputs', `must be an array of at least one column name, got ${show(inputs)}; name the columns to read`);
  }
  const twice = inputs.find((name, at) => inputs.indexOf(name) !== at);
  if (twice !== undefined) throw optionError('inputs', `must name each column once, got "${twice}" twice; remove one`);
  if (!isName(target)) throw optionError('target', `must be a column name, got ${show(target)}; name the column to predict`);
  if (time !== undefined && !isName(time)) {
    throw optionError('time', `must be a column name, got ${show(time)}; name the column of timestamps or remove the field`);
  }
  if (time !== undefined && (time === target || inputs.includes(time))) {
    throw optionError('time', `must be another column than the inputs and the target, got "${time}"; remove it from one of the two`);
  }
  const relative = switchOption('relative', options.relative, false);
  if (relative && !inputs.includes(target)) {
    const sentence = `needs the newest value of the target ${show(target)}, which is not among data.inputs; name it there, or leave this out`;
    throw optionError('relative', sentence);
  }
  return {
    inputs: inputs as readonly string[],
    target,
    time,
    window: wholeOption('window', options.window, undefined, 1),
    horizon: wholeOption('horizon', options.horizon, undefined, 1),
    split: checkedSplit(options.split ?? [0.6, 0.2, 0.2], time),
    standardize: switchOption('standardize', options.standardize, true),
    season: options.season === undefined ? undefined : wholeOption('season', options.season, undefined, 2),
    relative,
    missing: checkedMissing(options.missing),
    calendar: checkedCalendar(options.calendar, time),
  };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Of `times`, the sizes are the ends of the parts, in milliseconds since 1970. */
interface Split {
  readonly unit: 'shares' | 'rows' | 'times';
  readonly sizes: readonly number[];
}

function checkedSplit(split: readonly unknown[], time: string | undefined): Split {
  if (Array.isArray(split) && (split.length === 2 || split.length === 3) && split.every((end) => typeof end === 'string')) {
    if (time === undefined)
      throw optionError('split', `must be shares or numbers of rows without data.time, got ${show(split)}; name that column`);
    const sizes = split.map((end) => readTime(end)?.time ?? Number.NaN);
    if (sizes.every((end, part) => !Number.isNaN(end) && !(end <= sizes[part - 1]))) return { unit: 'times', sizes };
    throw optionError('split', `must be ascending times such as "2017-07-01", when each part ends, got ${show(split)}; change it`);
  }
  if (Array.isArray(split) && (split.length === 2 || split.length === 3) && split.every((size) => typeof size === 'number')) {
    if (split.every((size) => Number.isSafeInteger(size) && size >= 1)) return { unit: 'rows', sizes: split };
    const sum = split.reduce((total, size) => total + size, 0);
    if (split.every((size) => size > 0 && size < 1) && sum <= 1 + 1e-9) return { unit: 'shares', sizes: split };
  }
  throw optionError(
    'split',
    'must be 2 or 3 shares (training, validation, test) between 0 and 1 that add up to 1 at most, as many whole numbers of rows, ' +
      'or the times when they end, ' +
      `got ${show(split)}; change it`,
  );
}

/** Rows [from, past) of one part. */
type Part = { readonly from: number; readonly past: number };

function splitRows(rows: number, split: Split, window: number, horizon: number, file: string): Part[] {
  let sum = 0;
  let from = 0;
  return split.sizes.map((size, index) => {
    sum += size;
    const past = split.unit === 'rows' ? sum : Math.min(rows, Math.round(sum * rows));
    const name = ['training', 'validation', 'test'][index];
    if (past > rows) {
      const sentence = `has ${rows} rows, and data.split asks for ${sum} up to the end of the ${name} part; lower it`;
      throw new ThroughtimeError('DATA_TOO_SHORT', sentence, { file });
    }
    const needed = index === 0 ? window + horizon : horizon;
    if (past - from < needed) {
      const why = index === 0 ? `data.window ${window} and data.horizon ${horizon} together` : `data.horizon ${horizon}`;
      const sentence = `has ${rows} rows, ${past - from} of them in the ${name} part, which needs at least ${needed} (${why}); change data.split or lower these`;
      throw new ThroughtimeError('DATA_TOO_SHORT', sentence, { file });
    }
    const part = { from, past };
    from = past;
    return part;
  });
}
