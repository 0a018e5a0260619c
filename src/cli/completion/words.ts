import type { Command, Option } from 'commander';
import { fieldsOf, type SchemaField } from '../../run/schemaFields.ts';

/** What a shell completes: the verbs, their options, and what follows these. */
export interface Words {
  readonly program: string;
  readonly verbs: readonly Verb[];
  /** `model.cell`, with the words that it may be; those of `--set`. */
  readonly fields: readonly SchemaField[];
}

export interface Verb {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** Words that an argument may be; undefined where it names a file. */
  readonly argument: readonly string[] | undefined;
}

export interface CompletedOption {
  /** `--set` */
  readonly name: string;
  readonly description: string;
  /** Whether it may stand more than once. */
  readonly repeated: boolean;
  readonly value: Value;
}

/** What follows an option: nothing, a path, one of some words, a field of the experiment, or what no shell can know. */
export type Value =
  | { readonly kind: 'none' | 'path' | 'field' | 'unknown' }
  | { readonly kind: 'words'; readonly words: readonly string[] };

/** Reads them from the program itself, and the fields from the JSON Schema of an experiment. */
export function wordsOf(program: Command, schema: object): Words {
  const verbs = program.createHelp().visibleCommands(program);
  return {
    program: program.name(),
    verbs: verbs.map((verb) => ({
      name: verb.name(),
      description: verb.description(),
      options: verb.createHelp().visibleOptions(verb).flatMap(completedOption),
      argument: verb.name() === 'help' ? verbs.map((each) => each.name()) : argumentOf(verb),
    })),
    fields: fieldsOf(schema).filter(({ path }) => /^(name$|data\.|model\.|training\.)/.test(path)),
  };
}

function completedOption({ long, description, flags, argChoices, variadic, defaultValue }: Option): CompletedOption[] {
  if (!long) return [];
  const repeated = variadic || Array.isArray(defaultValue) || long === '--monitor';
  return [{ name: long, description, repeated, value: valueAfter(flags, argChoices) }];
}

function valueAfter(flags: string, choices: readonly string[] | undefined): Value {
  if (choices) return { kind: 'words', words: choices };
  if (flags.includes('<path=value>')) return { kind: 'field' };
  if (/<(file|directory)>/.test(flags)) return { kind: 'path' };
  return { kind: /[<[]/.test(flags) ? 'unknown' : 'none' };
}

function argumentOf({ registeredArguments }: Command): readonly string[] | undefined {
  if (registeredArguments.length === 0) return [];
  return registeredArguments[0].argChoices;
}

/** `model.cell=lstm` for every word that a field may be. */
export const assignments = (fields: readonly SchemaField[]): string[] =>
  fields.flatMap(({ path, values }) => values.map((value) => `${path}=${value}`));
