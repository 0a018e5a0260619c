import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { ThroughtimeError } from '../errors.ts';
import type { ProfileLine, Profiler } from '../training/profiler.ts';
import type { Trainer } from '../training/trainer.ts';
import { writeError } from './files.ts';
import { toJson } from './json.ts';

/** What a profiles file holds. */
export interface Profiles {
  readonly lines: ProfileLine[];
  /** Whether its last line was torn, and so left out. */
  readonly torn: boolean;
}

/**
 * Reads a profiles file; a missing one is empty.
 *
 * @throws RUN_INVALID for a whole line that is not a profile.
 */
export function readProfiles(file: string): Profiles {
  const { lines, torn } = linesOf(file);
  return { lines: lines.map(({ line }) => line), torn };
}

/** The lines with the byte at which each ends. */
function linesOf(file: string): { lines: { line: ProfileLine; end: number }[]; torn: boolean } {
  if (!existsSync(file)) return { lines: [], torn: false };
  const content = readFileSync(file);
  const lines: { line: ProfileLine; end: number }[] = [];
  let begin = 0;
  for (let at = content.indexOf(0x0a); at >= 0; at = content.indexOf(0x0a, begin)) {
    lines.push({ line: parse(content.toString('utf8', begin, at), file, lines.length + 1), end: at + 1 });
    begin = at + 1;
  }
  return { lines, torn: begin < content.length };
}

function parse(text: string, file: string, line: number): ProfileLine {
  let value: ProfileLine | null = null;
  try {
    value = JSON.parse(text, revive) as ProfileLine | null;
  } catch {
    // Answered below, like JSON of another kind.
  }
  if (typeof value?.update !== 'number' || typeof value.monitor !== 'string') {
    throw new ThroughtimeError('RUN_INVALID', 'is not what a monitor measured; restore the file from a copy', { file, line });
  }
  return value;
}

const notFinite = new Set(['NaN', 'Infinity', '-Infinity']);

const revive = (_: string, value: unknown) => (typeof value === 'string' && notFinite.has(value) ? Number(value) : value);

/** Writes the looks of a training as they are due, each durable before the training goes on, so that a checkpoint is never ahead of them. */
export class ProfilesWriter {
  readonly #file: string;
  readonly #profiler: Profiler;
  readonly #trainer: Trainer;
  /** The update of the last look in the file. */
  #last: number;

  /** Goes on after the looks that the file holds up to the trainer's update; later ones, and one that was cut short, are cut off. */
  constructor(file: string, profiler: Profiler, trainer: Trainer) {
    this.#file = file;
    this.#profiler = profiler;
    this.#trainer = trainer;
    const { lines } = linesOf(file);
    let kept = 0;
    this.#last = -1;
    for (let first = 0; first < lines.length; first += profiler.monitors.length) {
      const look = lines.slice(first, first + profiler.monitors.length);
      const { update } = lines[first].line;
      const whole = look.length === profiler.monitors.length && look.every(({ line }) => line.update === update);
      if (!whole || update > trainer.update) break;
      kept = look[look.length - 1].end;
      this.#last = update;
    }
    if (existsSync(file)) truncateSync(file, kept);
  }

  /** Takes the look that is due and not yet there, if there is one, and gives what it saw. */
  takeIfDue(): readonly ProfileLine[] {
    if (this.#last === this.#trainer.update || !this.#profiler.isDue()) return [];
    const seen = this.#profiler.take();
    const lines = seen.map((line) => `${toJson(line)}\n`);
    try {
      const descriptor = openSync(this.#file, 'a');
      try {
        appendFileSync(descriptor, lines.join(''));
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    } catch (cause) {
      throw writeError(this.#file, cause);
    }
    this.#last = this.#trainer.update;
    return seen;
  }
}
