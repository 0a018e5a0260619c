import { readFileSync } from 'node:fs';
import path from 'node:path';
import { evaluate, parse } from '@humanwhocodes/momoa';
import { type ErrorPlace, ThroughtimeError } from '../errors.ts';
import { lineOf, readExperiment, repeatedField, sentenceOf, valueAt } from '../run/experiment.ts';
import { readError } from '../run/files.ts';
import type { Axis, SearchOption } from './sweepSchema.ts';
import { sweepSchema } from './sweepSchema.ts';
import { checkTrials, Trials } from './trials.ts';

/** A sweep file, with its base experiment as it was written. */
export interface Sweep {
  readonly name: string;
  readonly base: Readonly<Record<string, unknown>>;
  readonly axes: Readonly<Record<string, Axis>>;
  readonly search: SearchOption;
  readonly verdicts: boolean;
}

/** A sweep file that has been read. */
export interface ReadSweep {
  readonly sweep: Sweep;
  readonly trials: Trials;
  /** What relative paths of the experiment start from. */
  readonly folder: string;
}

/**
 * Reads a sweep file (JSON; comments are allowed) with its base experiment, and checks the experiment of every trial.
 *
 * @throws EXPERIMENT_INVALID naming file, line and field; FILE_UNREADABLE.
 */
export function readSweep(file: string): ReadSweep {
  const { body, raw, place } = document(file);
  const parsed = sweepSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0] as Parameters<typeof sentenceOf>[0];
    const at = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : issue.path;
    throw new ThroughtimeError('EXPERIMENT_INVALID', sentenceOf(issue, valueAt(raw, issue.path), at, sweepSchema), place(at));
  }
  const { base: given, axes, ...rest } = parsed.data;
  const inline = typeof given !== 'string';
  const baseFile = inline ? file : path.resolve(path.dirname(file), given);
  const base = inline ? { document: { body, raw: given, place }, prefix: ['base'] } : { document: document(baseFile), prefix: [] };
  const { $schema, ...experiment } = base.document.raw as Record<string, unknown>;
  const sweep: Sweep = { ...{ name: rest.name, base: experiment, axes, search: rest.search, verdicts: rest.verdicts } };
  // A mistake of the base alone is its own.
  try {
    readExperiment(JSON.stringify(experiment), baseFile);
  } catch (cause) {
    if (!(cause instanceof ThroughtimeError) || cause.place.field === undefined) throw cause;
    const within = cause.place.field.split('.');
    if (!setByAxis(axes, cause.place.field)) {
      throw new ThroughtimeError(cause.code, cause.sentence, base.document.place([...base.prefix, ...within]), { cause });
    }
  }
  try {
    const trials = new Trials(sweep);
    checkTrials(trials);
    return { sweep, trials, folder: path.dirname(baseFile) };
  } catch (cause) {
    if (!(cause instanceof ThroughtimeError) || cause.place.field === undefined) throw cause;
    const axis = setByAxis(axes, cause.place.field);
    const { field } = cause.place;
    const own = field === 'axes' || field.startsWith('axes.') || field.startsWith('search.');
    const at = axis !== undefined ? ['axes', axis] : own ? keysOf(field) : undefined;
    if (at) throw new ThroughtimeError(cause.code, cause.sentence, place(at), { cause });
    throw new ThroughtimeError(cause.code, cause.sentence, base.document.place([...base.prefix, ...field.split('.')]), { cause });
  }
}

/** The axis that sets a field of the experiment, a part of it, or what it is a part of. */
function setByAxis(axes: Sweep['axes'], field: string): string | undefined {
  return Object.keys(axes).find((axis) => `${field}.`.startsWith(`${axis}.`) || axis.startsWith(`${field}.`));
}

/** The name of an axis has dots and is one key. */
const keysOf = (field: string) => (field.startsWith('axes.') ? ['axes', field.slice('axes.'.length)] : field.split('.'));

function document(file: string) {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    throw readError(file, cause);
  }
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(content.replace(/^\ufeff/, ''), { mode: 'jsonc' });
  } catch (cause) {
    const line = (cause as { line?: number }).line;
    throw new ThroughtimeError('EXPERIMENT_INVALID', `is not JSON: ${(cause as Error).message}; correct it`, { file, line }, { cause });
  }
  const { body } = parsed;
  const twice = repeatedField(body);
  if (twice) {
    throw new ThroughtimeError('EXPERIMENT_INVALID', 'stands twice, and only one of them could count; remove one', { file, ...twice });
  }
  const place = (keys: readonly PropertyKey[]): ErrorPlace => {
    const field = keys.map(String).join('.');
    return { file, line: lineOf(body, keys), field: field === '' ? undefined : field };
  };
  return { body, raw: evaluate(body) as unknown, place };
}
