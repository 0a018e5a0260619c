import { readFileSync } from 'node:fs';
import { evaluate, type MemberNode, parse, type ValueNode } from '@humanwhocodes/momoa';
import { show } from '../data/options.ts';
import { type ErrorPlace, ThroughtimeError } from '../errors.ts';
import { defaultMonitors } from '../monitor/monitors.ts';
import { checkModel } from '../network/model.ts';
import { cellOf } from '../network/network.ts';
import { waysOf } from '../network/skip/skips.ts';
import { checkLooks } from '../training/checkLooks.ts';
import { checkSkips } from '../training/checkSkips.ts';
import { checkTraining } from '../training/checkTraining.ts';
import { checkOmega } from '../training/omega.ts';
import type { TrainingOptions } from '../training/options.ts';
import { type ExperimentInput, experimentSchema } from './experimentSchema.ts';

/** An experiment file, checked and complete: every field of `training` that has a default has a value. */
export interface Experiment {
  readonly name: string;
  readonly data: ExperimentInput['data'];
  readonly model: ExperimentInput['model'];
  readonly training: TrainingOptions & { readonly validateEvery: number; readonly monitors: readonly string[] };
}

/** The window of a text where none is given: long enough for a phrase. */
const textWindow = { k1: 50, k2: 50 };

/**
 * Reads an experiment from the text of its file (JSON; comments are allowed).
 *
 * @param overrides `path=value` each, as `--set` takes them: the value is JSON, or else a word; `null` removes the field.
 * @throws EXPERIMENT_INVALID naming file, line and field.
 *
 * @example
 * ```ts
 * import { readExperiment } from 'throughtime/node';
 *
 * const file = '{ "name": "mine", "data": { "kind": "task", "name": "adding", "length": 50 }, "model": { "cell": "rnn", "hiddenSize": 8 } }';
 * const { model, training } = readExperiment(file, 'mine.json', ['model.cell=lstm']);
 * console.log(model.cell, training.learningRate); // lstm 0.001
 * ```
 */
export function readExperiment(content: string, file: string, overrides: readonly string[] = []): Experiment {
  let document: ReturnType<typeof parse>;
  try {
    document = parse(content.replace(/^\ufeff/, ''), { mode: 'jsonc' });
  } catch (cause) {
    const line = (cause as { line?: number }).line;
    throw new ThroughtimeError('EXPERIMENT_INVALID', `is not JSON: ${(cause as Error).message}; correct it`, { file, line }, { cause });
  }
  const twice = repeatedField(document.body);
  if (twice) {
    throw new ThroughtimeError('EXPERIMENT_INVALID', 'stands twice, and only one of them could count; remove one', { file, ...twice });
  }
  const raw = evaluate(document.body) as Record<string, unknown>;
  const place = (path: readonly PropertyKey[], set: readonly string[] = []): ErrorPlace => {
    const field = path.map(String).join('.');
    const overridden = set.some(
      (each) => field === each || field.startsWith(`${each}.`) || (each.startsWith(`${field}.`) && !nodeAt(document.body, path)),
    );
    return overridden ? { file: '--set', field } : { file, line: lineOf(document.body, path), field: field === '' ? undefined : field };
  };
  const changed: string[] = [];
  if (overrides.length > 0 && (typeof raw !== 'object' || raw === null || Array.isArray(raw))) {
    throw new ThroughtimeError('EXPERIMENT_INVALID', `must be an object, got ${show(raw)}`, { file, line: 1 });
  }
  for (const override of overrides) changed.push(applyOverride(raw, override));
  const parsed = experimentSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : issue.path;
    throw new ThroughtimeError('EXPERIMENT_INVALID', sentenceOf(issue, valueAt(raw, issue.path), path), place(path, changed));
  }
  const experiment = complete(parsed.data);
  if (experiment.data.kind === 'text' && experiment.training.bptt === 'full') {
    const sentence = 'cannot be "full" for a text, which is one sequence without end; give {"k1": steps, "k2": steps}';
    throw new ThroughtimeError('EXPERIMENT_INVALID', sentence, place(['training', 'bptt'], changed));
  }
  try {
    checkModel(experiment.model);
    checkTraining(experiment.training);
    const { model, training } = experiment;
    const ways = waysOf(model.skip, model.layers ?? 1);
    const cell = cellOf(model);
    checkSkips({ ways }, training);
    checkLooks({ ways, cell }, training);
    if (training.omega) checkOmega({ cell: cell.name, ways, orthogonal: (model.orthogonal ?? false) !== false });
  } catch (cause) {
    if (!(cause instanceof ThroughtimeError) || cause.place.field === undefined) throw cause;
    const { field } = cause.place;
    throw new ThroughtimeError('EXPERIMENT_INVALID', cause.message.slice(`${field}: `.length), place(field.split('.'), changed), { cause });
  }
  return experiment;
}

/**
 * The text of an experiment file with some fields changed, and the rest as it was written; comments are lost.
 *
 * @param overrides as `readExperiment` takes them, which has read the same content before.
 * @param edit what else is to be changed in the object.
 */
export function changedContent(content: string, overrides: readonly string[], edit: (raw: Record<string, unknown>) => void): string {
  const raw = evaluate(parse(content.replace(/^\ufeff/, ''), { mode: 'jsonc' }).body) as Record<string, unknown>;
  for (const override of overrides) applyOverride(raw, override);
  edit(raw);
  return `${JSON.stringify(raw, null, 2)}\n`;
}

/** Checks an experiment that is already an object, as a run directory keeps it. */
export function experimentFrom(object: unknown, file: string): Experiment {
  return readExperiment(JSON.stringify(object), file);
}

/** Runs what works on an experiment file; an error that names a field of it, but not the file, gets its file and line. */
export async function withPlace<T>(file: string, overrides: readonly string[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof ThroughtimeError) || cause.place.field === undefined || cause.place.file !== undefined) throw cause;
    const sentence = cause.message.slice(`${cause.place.field}: `.length);
    throw new ThroughtimeError(cause.code, sentence, placeOf([cause.place.field, ...fieldsIn(sentence)], file, overrides), { cause });
  }
}

/** The fields that a sentence names, such as `data.length`. */
const fieldsIn = (sentence: string): string[] => sentence.match(/\b(?:data|model|training)\.\w+(?:\.\w+)*/g) ?? [];

/** Of the fields that an error is about, the first one that was set on the command line, or else that the file has. */
function placeOf(fields: readonly string[], file: string, overrides: readonly string[]): ErrorPlace {
  const set = fields.find((field) => overrides.some((each) => `${field}.`.startsWith(`${each.split('=')[0]}.`)));
  if (set !== undefined) return { file: '--set', field: set };
  const field = fields.find((each) => fieldLine(file, each, true) !== undefined) ?? fields[0];
  return { file, line: fieldLine(file, field), field };
}

/** @param itself only the line of the field, not that of the object that it is missing from. */
function fieldLine(file: string, field: string, itself = false): number | undefined {
  try {
    const { body } = parse(readFileSync(file, 'utf8').replace(/^\ufeff/, ''), { mode: 'jsonc' });
    return itself && !nodeAt(body, field.split('.')) ? undefined : lineOf(body, field.split('.'));
  } catch {
    return undefined;
  }
}

function complete({ name, data, model, training }: ExperimentInput): Experiment {
  const { bptt = data.kind === 'text' ? textWindow : 'full', validateEvery = Math.ceil(training.updates / 10) } = training;
  const { monitors = model.orthogonal ? [...defaultMonitors, 'orthogonality'] : defaultMonitors } = training;
  return { name, data, model, training: { ...training, bptt, validateEvery, monitors } };
}

export type Issue = (typeof experimentSchema extends { safeParse(value: unknown): infer R } ? R : never) extends infer R
  ? R extends { success: false; error: { issues: (infer I)[] } }
    ? I
    : never
  : never;

/** What is wrong with a field, in a sentence. @param root of the schema that it was checked with. */
export function sentenceOf(issue: Issue, value: unknown, path: readonly PropertyKey[], root: Shaped = experimentSchema): string {
  const got = `got ${show(value)}`;
  switch (issue.code) {
    case 'unrecognized_keys':
      return `is not a field here; known are ${knownFields(path.slice(0, -1), value, root).join(', ')}: correct or remove it`;
    case 'too_small': {
      const bound = `${issue.inclusive === false ? 'above' : 'from'} ${issue.minimum}`;
      if (issue.origin === 'array' || issue.origin === 'string') return `must have at least ${issue.minimum} elements, ${got}`;
      return issue.message.startsWith('must') ? `${issue.message}, ${got}` : `must be a number ${bound}, ${got}`;
    }
    case 'too_big':
      return `must be ${issue.inclusive === false ? 'below' : 'at most'} ${issue.maximum}, ${got}`;
    case 'invalid_value':
      return `must be ${issue.values.map((each) => JSON.stringify(each)).join(' or ')}, ${got}`;
    case 'invalid_type':
      if (issue.message.startsWith('must be ')) {
        return value === undefined ? issue.message.replace('must be', 'is missing; give') : `${issue.message}, ${got}`;
      }
      if (value === undefined) return `is missing; give ${article(issue.expected === 'int' ? 'whole number' : issue.expected)}`;
      return `must be ${article(issue.expected === 'int' ? 'whole number' : issue.expected)}, ${got}`;
    case 'invalid_union': {
      if ('options' in issue && Array.isArray(issue.options)) {
        const options = issue.options.map((each) => JSON.stringify(each)).join(', ');
        return value === undefined ? `is missing; give one of ${options}` : `must be one of ${options}, ${got}`;
      }
      return `${issue.message}, ${got}`;
    }
    default:
      return `${issue.message}, ${got}`;
  }
}

const article = (noun: string) => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;

/** A schema of objects. */
interface Shaped {
  readonly shape: Record<string, unknown>;
}

/** The fields that may stand where an unknown one was found, `value` being the object it stands in. */
function knownFields(path: readonly PropertyKey[], value: unknown, root: Shaped): string[] {
  let shapes: Shaped[] = [root];
  for (const key of path) {
    shapes = shapes.flatMap(({ shape }) => objectsIn(shape[String(key)]));
  }
  const given = value as Record<string, unknown>;
  const fits = shapes.filter(({ shape }) =>
    ['kind', 'name'].every((key) => {
      const literal = shape[key] as { value?: unknown } | undefined;
      return typeof literal !== 'object' || !('values' in literal) || literal.value === given[key];
    }),
  );
  return [...new Set((fits.length > 0 ? fits : shapes).flatMap(({ shape }) => Object.keys(shape)))];
}

/** All object schemas that a schema can stand for. */
function objectsIn(schema: unknown): Shaped[] {
  const candidate = schema as Partial<Shaped> & { options?: unknown[]; unwrap?: () => unknown };
  if (candidate?.shape) return [candidate as Shaped];
  if (candidate?.options) return candidate.options.flatMap(objectsIn);
  return candidate?.unwrap ? objectsIn(candidate.unwrap()) : [];
}

/** Applies one `path=value` to the object. Returns its path. */
function applyOverride(raw: Record<string, unknown>, override: string): string {
  const equals = override.indexOf('=');
  const path = override.slice(0, equals);
  if (equals < 1) {
    throw new ThroughtimeError('OPTION_INVALID', `--set takes path=value, such as model.cell=lstm, got ${show(override)}; give both`);
  }
  const keys = path.split('.');
  const written = override.slice(equals + 1);
  let value: unknown = written;
  try {
    value = JSON.parse(written);
  } catch {
    // Not JSON, so a word.
  }
  let target = raw;
  if (keys.some((key) => key === '' || key === '__proto__')) {
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `--set takes path=value, such as model.cell=lstm, got ${show(override)}; correct the path`,
    );
  }
  for (const key of keys.slice(0, -1)) {
    const next = target[key];
    if (typeof next !== 'object' || next === null || Array.isArray(next)) target[key] = {};
    target = target[key] as Record<string, unknown>;
  }
  const last = keys[keys.length - 1];
  if (value === null) delete target[last];
  else target[last] = value;
  return path;
}

export function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  return value;
}

/** The line on which a field stands, or the object that it is missing from. */
export function lineOf(body: ValueNode, path: readonly PropertyKey[]): number {
  for (let length = path.length; ; length--) {
    const node = nodeAt(body, path.slice(0, length));
    if (node) return node.loc.start.line;
  }
}

/** Where a field stands in the file; undefined where it does not. */
function nodeAt(body: ValueNode, path: readonly PropertyKey[]): ValueNode | MemberNode | undefined {
  let node: ValueNode | MemberNode | undefined = body;
  for (const key of path) {
    const value: ValueNode = node.type === 'Member' ? node.value : node;
    if (value.type === 'Object') node = value.members.find((member: MemberNode) => nameOf(member) === key);
    else if (value.type === 'Array') node = value.elements[Number(key)]?.value;
    else return undefined;
    if (!node) return undefined;
  }
  return node;
}

const nameOf = ({ name }: MemberNode): string => (name.type === 'String' ? name.value : name.name);

/** The first field that an object has twice. */
export function repeatedField(value: ValueNode, path: readonly string[] = []): { line: number; field: string } | undefined {
  if (value.type === 'Array') {
    for (const [index, element] of value.elements.entries()) {
      const found = repeatedField(element.value, [...path, String(index)]);
      if (found) return found;
    }
  }
  if (value.type !== 'Object') return undefined;
  const seen = new Set<string>();
  for (const member of value.members) {
    const inside = [...path, nameOf(member)];
    if (seen.has(nameOf(member))) return { line: member.loc.start.line, field: inside.join('.') };
    seen.add(nameOf(member));
    const found = repeatedField(member.value, inside);
    if (found) return found;
  }
  return undefined;
}
