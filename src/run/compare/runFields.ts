import { taskDefaults } from '../../data/task/tasks.ts';
import type { Experiment } from '../experiment.ts';
import type { DataFile } from '../openData.ts';

/** The value of a field of an experiment, as its file has it. */
export type FieldValue = string | number | boolean | null | readonly unknown[] | { readonly [key: string]: unknown };

/** Fields by their paths, such as `training.clip`. */
export type RunFields = Readonly<Record<string, FieldValue>>;

/** What repeats a training rather than makes it another one. */
const seeds: ReadonlySet<string> = new Set(['training.seed', 'data.seed']);

/** Names, and what is measured beside a training without a change of any of its bits. */
const beside: ReadonlySet<string> = new Set([
  'name',
  ...['training.validateEvery', 'training.monitors', 'training.monitorEvery'],
  // Where the data lie; what they are is `data.sha256`.
  ...['data.path', 'data.train', 'data.validation', 'data.test', 'data.images', 'data.labels'],
]);

export const isSeed = (field: string): boolean => seeds.has(field);
/** Whether two runs that differ in this field alone are the same training. */
export const isBeside = (field: string): boolean => beside.has(field);

/** What a model is where nothing is said: a field that is left out and one that says this are the same training. */
const modelDefaults = { layers: 1, residual: false, dropout: 0, orthogonal: false };

/**
 * The fields of an experiment, with the defaults of those that every model or task has: `name`, and each field of `data`, `model` and
 * `training` whole, so that `training.clip` is a word or an object. Of data in files there is `data.sha256` too, the beginning of the hash
 * of each.
 */
export function runFields({ name, data, model, training }: Experiment, files: readonly DataFile[]): RunFields {
  const fields: Record<string, FieldValue> = { name };
  const sections = {
    data: data.kind === 'task' ? { ...taskDefaults, ...data } : data,
    model: { ...modelDefaults, ...model },
    training,
  };
  for (const [section, values] of Object.entries(sections)) {
    for (const [key, value] of Object.entries(values)) if (value !== undefined) fields[`${section}.${key}`] = value as FieldValue;
  }
  if (files.length > 0) fields['data.sha256'] = files.map(({ sha256 }) => sha256.slice(0, 12)).join(' ');
  // An object that is parsed takes a fifth of the memory of one that is put together, which counts with 100,000 runs.
  return JSON.parse(JSON.stringify(fields)) as RunFields;
}

/** A field, or a part of one such as `training.clip.globalNorm`; undefined where the experiment has none of that path. */
export function fieldAt(fields: RunFields, path: string): FieldValue | undefined {
  if (Object.hasOwn(fields, path)) return fields[path];
  const keys = path.split('.');
  for (let length = keys.length - 1; length > 0; length--) {
    const head = keys.slice(0, length).join('.');
    if (!Object.hasOwn(fields, head)) continue;
    let value: unknown = fields[head];
    for (const key of keys.slice(length)) {
      if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return undefined;
      value = (value as Record<string, unknown>)[key];
    }
    return value as FieldValue;
  }
  return undefined;
}

/** Every path that leads to a value: the fields, and the parts of those that are objects. */
export function leavesOf(fields: RunFields): [path: string, value: string | number | boolean | null | readonly unknown[]][] {
  const leaves: [string, string | number | boolean | null | readonly unknown[]][] = [];
  const walk = (path: string, value: unknown) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, each] of Object.entries(value)) walk(`${path}.${key}`, each);
    } else leaves.push([path, value as string]);
  };
  for (const [path, value] of Object.entries(fields)) walk(path, value);
  return leaves;
}

/** A value that two runs share is the same text. */
export const fieldKey = (value: FieldValue | undefined): string => (value === undefined ? '' : JSON.stringify(sorted(value)));

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}

/** The fields in which some runs differ, seeds and what makes no other training aside, in the order in which they come first. */
export function differingFields(runs: readonly { readonly fields: RunFields }[]): string[] {
  const paths = [...new Set(runs.flatMap(({ fields }) => Object.keys(fields)))];
  return paths.filter(
    (path) => !isSeed(path) && !isBeside(path) && new Set(runs.map(({ fields }) => fieldKey(fieldAt(fields, path)))).size > 1,
  );
}
