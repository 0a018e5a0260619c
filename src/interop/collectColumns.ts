import { Growing } from '../data/growing.ts';
import type { TableColumns } from '../data/table.ts';

/**
 * Gets the wanted numbers and texts of a row, in the order in which they were asked for, and where it stands in the file. Both arrays are used
 * again for the next row.
 */
export type ReadRow = (numbers: Float64Array, texts: readonly string[], line: number) => void;

/** The wanted columns of a table's file, and the names of all. */
export interface ReadColumns extends TableColumns {
  readonly lines: Int32Array;
  readonly names: readonly string[];
}

/** Keeps all rows that a reader gives one by one. @param each reads the file, and gives the names of all its columns. */
export async function collectColumns(
  options: { readonly file: string; readonly numbers: readonly string[]; readonly texts?: readonly string[] },
  each: (read: ReadRow) => Promise<string[]>,
): Promise<ReadColumns> {
  const { file, texts = [] } = options;
  const lines = new Growing(Int32Array);
  const numberColumns = options.numbers.map(() => new Growing(Float64Array));
  const textColumns = texts.map((): string[] => []);
  const names = await each((numbers, words, line) => {
    lines.push(line);
    for (let column = 0; column < numbers.length; column++) numberColumns[column].push(numbers[column]);
    for (let column = 0; column < words.length; column++) textColumns[column].push(words[column]);
  });
  return {
    file,
    names,
    lines: lines.take(),
    numbers: Object.fromEntries(options.numbers.map((name, column) => [name, numberColumns[column].take()])),
    texts: Object.fromEntries(texts.map((name, column) => [name, textColumns[column]])),
  };
}
