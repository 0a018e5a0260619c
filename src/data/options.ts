import { ThroughtimeError } from '../errors.ts';

/** A value of the user's, short enough to stand in a sentence. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** The error of a field of an experiment's `data` entry. */
export function optionError(field: string, sentence: string): ThroughtimeError {
  return new ThroughtimeError('EXPERIMENT_INVALID', sentence, { field: `data.${field}` });
}

/** Refuses every field that is not among the allowed ones; `undefined` counts as not given. */
export function refuseOtherFields(options: object, allowed: readonly string[], owner: string): void {
  for (const [field, value] of Object.entries(options)) {
    if (value !== undefined && !allowed.includes(field)) {
      throw optionError(field, `has no meaning for ${owner}, got ${show(value)}; allowed are ${allowed.join(', ')}, so remove it`);
    }
  }
}

/** The value of a field that is a whole number from `least` to `most`, or its default where it is not given. */
export function wholeOption(field: string, value: unknown, byDefault: number | undefined, least: number, most = 2 ** 31 - 1): number {
  if (value === undefined && byDefault !== undefined) return byDefault;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
    throw optionError(field, `must be a whole number from ${least} to ${most}, got ${show(value)}; give one in this range`);
  }
  return value;
}

/** The value of a field that is one of a few words, or its default where it is not given. */
export function wordOption<Word extends string>(field: string, value: unknown, byDefault: Word | undefined, words: readonly Word[]): Word {
  if (value === undefined && byDefault !== undefined) return byDefault;
  const found = words.find((word) => word === value);
  if (found === undefined) {
    throw optionError(field, `must be one of ${words.map((word) => `"${word}"`).join(', ')}, got ${show(value)}; choose one of them`);
  }
  return found;
}

/** The value of a field that is true or false, or its default where it is not given. */
export function switchOption(field: string, value: unknown, byDefault: boolean): boolean {
  if (value === undefined) return byDefault;
  if (typeof value !== 'boolean') throw optionError(field, `must be true or false, got ${show(value)}; choose one of them`);
  return value;
}
