import { existsSync, readFileSync } from 'node:fs';
import { ThroughtimeError } from '../errors.ts';
import type { TrainingEvent } from '../training/events.ts';
import { writeWhole } from './files.ts';

/**
 * Reads `events.jsonl`, a line for each thing that happened in a run beside its updates; a missing file is a run without any, and
 * a torn last line is left out.
 *
 * @throws RUN_INVALID for a whole line that is not an event.
 */
export function readEvents(file: string): TrainingEvent[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  // What follows the last line break is torn, or nothing.
  return lines.slice(0, -1).map((text, index) => parseEvent(text, file, index + 1));
}

/** Leaves only the events up to an update: a resumed training is going to write the later ones again. */
export function keepEventsUpTo(file: string, update: number): void {
  if (!existsSync(file)) return;
  const lines = readFileSync(file, 'utf8').split('\n');
  const kept = lines.slice(0, -1).filter((text, index) => parseEvent(text, file, index + 1).update <= update);
  if (kept.length < lines.length - 1 || lines.at(-1) !== '') writeWhole(file, kept.map((text) => `${text}\n`).join(''));
}

function parseEvent(text: string, file: string, line: number): TrainingEvent {
  let value: TrainingEvent | null = null;
  try {
    value = JSON.parse(text) as TrainingEvent | null;
  } catch {
    // Answered below, like JSON of another kind.
  }
  if (typeof value?.update !== 'number' || typeof value.action !== 'string') {
    throw new ThroughtimeError('RUN_INVALID', 'is not an event of a training; restore the file from a copy', { file, line });
  }
  return value;
}
