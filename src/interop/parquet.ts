import { fileWriter, ParquetWriter } from 'hyparquet-writer';

/** What a column holds: numbers as float64, whole numbers as int32, words as UTF-8, moments in milliseconds (UTC), or yes and no. */
export type ParquetType = 'number' | 'whole' | 'text' | 'moment' | 'boolean';

/** A column of a Parquet file. Every column may have nulls. */
export interface ParquetColumn {
  /** May have dots; they divide nothing. */
  readonly name: string;
  readonly type: ParquetType;
}

type Value = number | string | boolean | Date | null;

/** Rows of a group, which is what a reader takes at a time. */
const groupRows = 100_000;

const elements = {
  number: { type: 'DOUBLE' },
  whole: { type: 'INT32' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  moment: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  boolean: { type: 'BOOLEAN' },
} as const satisfies Record<ParquetType, object>;

/**
 * Writes an Apache Parquet file a group of rows after the other, so that its memory is that of a group. NaN and infinities stay what they
 * are, and null is null.
 */
export class ParquetFile {
  readonly #columns: readonly ParquetColumn[];
  readonly #writer: ParquetWriter;
  #rows: Value[][] = [];

  /** @param file is made, or written over, at once. */
  constructor(file: string, columns: readonly ParquetColumn[]) {
    this.#columns = columns;
    const schema = columns.map(({ name, type }) => ({ name, ...elements[type], repetition_type: 'OPTIONAL' as const }));
    this.#writer = new ParquetWriter({
      writer: fileWriter(file),
      schema: [{ name: 'root', num_children: columns.length }, ...schema],
      createdBy: 'throughtime',
    });
  }

  /** @param row a value for each column. */
  add(row: readonly Value[]): void {
    this.#rows.push([...row]);
    if (this.#rows.length >= groupRows) this.#flush();
  }

  /** Writes what is left, and the table of contents. */
  close(): void {
    this.#flush();
    this.#writer.finish();
  }

  #flush(): void {
    if (this.#rows.length === 0) return;
    const columnData = this.#columns.map(({ name, type }, index) => {
      const data = this.#rows.map((row) => row[index]);
      // A reader that skips groups by their least and largest value would skip rows beside a NaN, which is neither.
      const ordered = type !== 'number' || data.every((each) => each === null || Number.isFinite(each));
      return { name, data, statistics: ordered };
    });
    this.#writer.write({ columnData, rowGroupSize: groupRows });
    this.#rows = [];
  }
}
