/** A column of a table for a terminal. */
export interface TableColumn {
  readonly title: string;
  /** Numbers stand right, and words left. */
  readonly right?: boolean;
  /** Fewest characters that the column may be cut to; one without is never cut. */
  readonly least?: number;
  /** The columns that go where there is no room, those of the highest number first and together; one without always stays. */
  readonly omit?: number;
}

export interface FittedTable {
  readonly lines: string[];
  /** Titles of the columns that had no room. */
  readonly omitted: string[];
}

const gap = 2;
/** Characters of a word that are wanted before a column is given up for it. */
const wanted = 24;

/**
 * A table of at most `width` characters. Where it is wider, columns that may go do, until words can keep 24 characters; then the widest of those
 * that may be cut loses a character at a time, in the middle. What may neither go nor be cut stays whole: such a table may be wider all the same.
 */
export function fittedTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[], width: number): FittedTable {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => row[index].length)));
  const kept = new Set(columns.keys());
  const sum = (of: (index: number) => number) => [...kept].reduce((total, index) => total + of(index) + gap, -gap);
  const asWanted = (index: number) => (columns[index].least === undefined ? widths[index] : Math.min(widths[index], wanted));
  const ranks = [...new Set(columns.flatMap(({ omit }) => omit ?? []))].sort((a, b) => b - a);
  for (const rank of ranks) {
    if (sum(asWanted) <= width) break;
    for (const [index, { omit }] of columns.entries()) if (omit === rank) kept.delete(index);
  }
  while (sum((index) => widths[index]) > width) {
    const cuttable = [...kept].filter((index) => widths[index] > (columns[index].least ?? Infinity));
    if (cuttable.length === 0) break;
    widths[cuttable.reduce((a, b) => (widths[b] > widths[a] ? b : a))]--;
  }
  const line = (row: readonly string[]) =>
    [...kept]
      .map((index) => {
        const text = cut(row[index], widths[index]);
        return columns[index].right ? text.padStart(widths[index]) : text.padEnd(widths[index]);
      })
      .join(' '.repeat(gap))
      .trimEnd();
  return { lines: all.map(line), omitted: columns.flatMap(({ title }, index) => (kept.has(index) ? [] : [title])) };
}

/** A text of at most so many characters: its beginning and its end, by which names of a series are told apart. */
export function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  if (width <= 1) return '…'.slice(0, width);
  const end = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - end)}…${end === 0 ? '' : text.slice(-end)}`;
}
