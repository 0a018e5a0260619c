import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { ThroughtimeError } from '../errors.ts';
import type { UpdateRecord } from '../training/trainer.ts';
import { writeError } from './files.ts';
import { toJson } from './json.ts';

/** A line of `metrics.jsonl`: one update, and the loss on the validation part where it was measured after it. */
export interface MetricsLine extends UpdateRecord {
  readonly validationLoss?: number;
}

/**
 * The metrics of a run, a line an update, written as they come. JSON has no NaN and no infinity: those are written as the
 * strings "NaN", "Infinity" and "-Infinity".
 */
export class MetricsWriter<Line extends object = MetricsLine> {
  readonly #file: string;
  readonly #descriptor: number;
  #pending: string[] = [];
  #length: number;

  /** Goes on after what the file holds. */
  constructor(file: string) {
    this.#file = file;
    try {
      this.#descriptor = openSync(file, 'a');
      this.#length = fstatSync(this.#descriptor).size;
    } catch (cause) {
      throw writeError(file, cause);
    }
  }

  add(line: Line): void {
    this.#pending.push(`${toJson(line)}\n`);
  }

  /** Writes what has been added since; where that fails, nothing of it stays in the file. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const bytes = new TextEncoder().encode(this.#pending.join(''));
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    } catch (cause) {
      ftruncateSync(this.#descriptor, this.#length);
      throw writeError(this.#file, cause);
    }
    this.#length += bytes.length;
    this.#pending = [];
  }

  /** Flushes, and makes what has been written durable. */
  sync(): void {
    this.flush();
    try {
      fsyncSync(this.#descriptor);
    } catch (cause) {
      throw writeError(this.#file, cause);
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** What a metrics file holds. */
export interface Metrics {
  readonly lines: MetricsLine[];
  /** Whether its last line was torn, and so left out. */
  readonly torn: boolean;
}

/**
 * Reads a metrics file; a missing one is empty.
 *
 * @throws RUN_INVALID for a whole line that is not a metrics line, or not that of its update.
 */
export function readMetrics(file: string): Metrics {
  const lines: MetricsLine[] = [];
  const { torn } = eachMetricsLine(file, (line) => lines.push(line));
  return { lines, torn };
}

/** The same, line by line, so that a file of any length needs little memory. Line i is that of update i. */
export function eachMetricsLine(file: string, use: (line: MetricsLine) => void): { count: number; torn: boolean } {
  let count = 0;
  const { torn } = eachLine(file, (text) => {
    use(parseLine(text, file, count + 1));
    count++;
  });
  return { count, torn };
}

/** Hands over the lines of a file with the bytes up to the end of each, until `use` answers false. */
export function eachLine(file: string, use: (text: string, end: number) => unknown): { torn: boolean } {
  if (!existsSync(file)) return { torn: false };
  const descriptor = openSync(file, 'r');
  try {
    const chunk = new Uint8Array(2 ** 16);
    let rest = new Uint8Array(0);
    let end = 0;
    for (;;) {
      const read = readSync(descriptor, chunk);
      if (read === 0) return { torn: rest.length > 0 };
      const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
      let begin = 0;
      for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, begin)) {
        end += at + 1 - begin;
        if (use(bytes.toString('utf8', begin, at), end) === false) return { torn: false };
        begin = at + 1;
      }
      rest = bytes.subarray(begin);
    }
  } finally {
    closeSync(descriptor);
  }
}

function parseLine(text: string, file: string, line: number): MetricsLine {
  let value: MetricsLine | null = null;
  try {
    value = JSON.parse(text, revive) as MetricsLine | null;
  } catch {
    // Answered below, like JSON of another kind.
  }
  if (typeof value?.update !== 'number') {
    throw new ThroughtimeError('RUN_INVALID', 'is not the record of an update; restore the file from a copy', { file, line });
  }
  if (value.update !== line) {
    const sentence = `is the record of update ${value.update} where that of update ${line} should be; restore the file from a copy`;
    throw new ThroughtimeError('RUN_INVALID', sentence, { file, line });
  }
  return value;
}

/** Leaves only the lines up to an update: those that a resumed training is going to write again are cut off. */
export function keepUpTo(file: string, update: number): void {
  if (!existsSync(file)) return;
  truncateSync(file, lengthUpTo(file, update));
}

/** Puts another line in the place of the last one, whole or not at all. */
export function replaceLast(file: string, line: MetricsLine): void {
  const temporary = `${file}.writing`;
  try {
    copyFileSync(file, temporary);
    truncateSync(temporary, lengthUpTo(file, line.update - 1));
    const writer = new MetricsWriter(temporary);
    try {
      writer.add(line);
      writer.sync();
    } finally {
      writer.close();
    }
    renameSync(temporary, file);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause instanceof ThroughtimeError ? cause : writeError(file, cause);
  }
}

/** Bytes of the first lines of a file, at most `lines`. */
function lengthUpTo(file: string, lines: number): number {
  let count = 0;
  let kept = 0;
  eachLine(file, (_, end) => {
    if (count === lines) return false;
    kept = end;
    return ++count < lines;
  });
  return kept;
}

const numeric = new Set(['loss', 'gradientNorm', 'clippedNorm', 'learningRate', 'validationLoss']);

function revive(key: string, value: unknown): unknown {
  return typeof value === 'string' && numeric.has(key) ? Number(value) : value;
}
