import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
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
export class MetricsWriter {
  readonly #file: string;
  readonly #descriptor: number;
  #pending: string[] = [];
  #length: number;

  /** Goes on after what the file holds. */
  constructor(file: string) {
    this.#file = file;
    try {
      this.#length = existsSync(file) ? readFileSync(file).length : 0;
      this.#descriptor = openSync(file, 'a');
    } catch (cause) {
      throw writeError(file, cause);
    }
  }

  add(line: MetricsLine): void {
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
 * @throws RUN_INVALID for a whole line that is not a metrics line.
 */
export function readMetrics(file: string): Metrics {
  if (!existsSync(file)) return { lines: [], torn: false };
  const texts = readFileSync(file, 'utf8').split('\n');
  const torn = texts.pop() !== '';
  return { lines: texts.map((text, index) => parseLine(text, file, index + 1)), torn };
}

function parseLine(text: string, file: string, line: number): MetricsLine {
  try {
    const value = JSON.parse(text, revive) as MetricsLine | null;
    if (typeof value?.update === 'number') return value;
  } catch {
    // Answered below, like JSON of another kind.
  }
  throw new ThroughtimeError('RUN_INVALID', 'is not the record of an update; restore the file from a copy', { file, line });
}

/** Leaves only the lines up to an update: those that a resumed training is going to write again are cut off. */
export function keepUpTo(file: string, update: number): void {
  if (!existsSync(file)) return;
  const bytes = readFileSync(file);
  let kept = 0;
  for (let lines = 0; lines < update; lines++) {
    const end = bytes.indexOf(0x0a, kept);
    if (end < 0) break;
    kept = end + 1;
  }
  if (kept < bytes.length) truncateSync(file, kept);
}

const numeric = new Set(['loss', 'gradientNorm', 'clippedNorm', 'learningRate', 'validationLoss']);

function revive(key: string, value: unknown): unknown {
  return typeof value === 'string' && numeric.has(key) ? Number(value) : value;
}
