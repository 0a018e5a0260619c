import { ThroughtimeError } from '../errors.ts';
import { show } from './options.ts';
import type { FileRules, ParsedSequences, Reading } from './sequencesRules.ts';
import { type SequenceArrays, SequencesBuilder, StoredSequences } from './storedSequences.ts';

/**
 * Reads a sequences file line by line: one object `{"x": [...], "y": ...}` each. Only flat typed arrays are kept.
 *
 * @param lines the lines without their ends; sequence n is on line n + 1.
 * @throws DATA_INVALID (or the expectation's code) with file, line and field; DATA_TOO_SHORT where there is no sequence.
 */
export async function parseSequences(lines: AsyncIterable<string> | Iterable<string>, rules: FileRules): Promise<ParsedSequences> {
  const parser = new SequencesParser(rules);
  for await (const line of lines) parser.read(line);
  return parser.finish();
}

/** One past the largest symbol or class. */
const mostIndices = 2 ** 24;

class SequencesParser {
  readonly #rules: FileRules;
  readonly #builder = new SequencesBuilder();
  readonly #symbols = new Set<number>();
  readonly #classes = new Set<number>();
  #line = 0;
  #blankLine = 0;
  #kind: 'vectors' | 'symbols' | undefined;
  /** I, once a line or the expectation has told it. */
  #I = 0;
  /** What each line's `y` is: one number or class, an array of them, or an array of arrays. */
  #form: 'one' | 'flat' | 'nested' | undefined;
  /** O, once told; where arrays of numbers can still be read both ways, that of the reading `last`. */
  #O = 0;
  readonly #possible = { last: true, every: true };

  constructor(rules: FileRules) {
    this.#rules = rules;
    const { expected } = rules;
    const reading = rules.targets ?? expected?.reading;
    if (reading !== undefined) this.#possible[reading === 'last' ? 'every' : 'last'] = false;
    this.#kind = expected?.inputKind;
    this.#I = expected?.inputSize ?? 0;
    this.#O = expected !== undefined && rules.loss !== 'crossEntropy' ? expected.outputSize : 0;
  }

  read(text: string): void {
    this.#line++;
    if (this.#line === 1 && text.startsWith('\ufeff')) text = text.slice(1);
    if (text.trim() === '') {
      if (this.#blankLine === 0) this.#blankLine = this.#line;
      return;
    }
    if (this.#blankLine > 0) {
      this.#line = this.#blankLine;
      throw this.#error('', 'must hold an object {"x": [...], "y": ...}, got a blank line before the last one; remove it');
    }
    const { x, y } = this.#object(text);
    const T = this.#inputs(x);
    if (this.#rules.inputsOnly) this.#noTargets(T);
    else if (this.#rules.loss === 'crossEntropy') this.#classTargets(y, T);
    else this.#numberTargets(y, T);
    this.#builder.end(T);
  }

  finish(): ParsedSequences {
    const { file, loss, symbols, classes, expected } = this.#rules;
    if (this.#builder.count === 0) {
      throw new ThroughtimeError('DATA_TOO_SHORT', 'holds no sequence; write one object {"x": [...], "y": ...} on each line', { file });
    }
    if (this.#builder.targetSteps.length === 0) {
      const sentence = 'is null at every step of every line, so nothing can be learned; give at least one target';
      throw new ThroughtimeError('DATA_INVALID', sentence, { file, field: 'y' });
    }
    const reading = this.#reading();
    let arrays = this.#builder.take();
    if (this.#form === 'flat' && reading === 'last') arrays = readAtLastStep(arrays);
    if (this.#form === 'flat' && reading === 'every') this.#O = 1;
    const I = this.#kind === 'symbols' ? (expected?.inputSize ?? symbols ?? countOf(this.#symbols)) : this.#I;
    const O = loss === 'crossEntropy' ? (expected?.outputSize ?? classes ?? countOf(this.#classes)) : this.#O;
    const sequences = new StoredSequences(
      { input: { kind: this.#kind!, size: I }, target: { kind: loss === 'crossEntropy' ? 'classes' : 'values', size: O }, loss },
      arrays,
    );
    return { sequences, reading, symbols: this.#symbols, classes: this.#classes };
  }

  #object(text: string): { x: unknown; y: unknown } {
    let object: unknown;
    try {
      object = JSON.parse(text);
    } catch (cause) {
      const hint = /\b(NaN|Infinity)\b/.test(text)
        ? 'JSON has no NaN and no Infinity'
        : 'write one object {"x": [...], "y": ...} on each line';
      throw this.#error('', `must be JSON, got text that is not (${(cause as Error).message}); ${hint}`, cause);
    }
    if (typeof object !== 'object' || object === null || Array.isArray(object)) {
      throw this.#error('', `must be an object {"x": [...], "y": ...}, got ${show(object)}; write one on each line`);
    }
    for (const field of Object.keys(object)) {
      if (field !== 'x' && field !== 'y') throw this.#error(field, 'is not a field of a sequence; allowed are x and y, so remove it');
    }
    return object as { x: unknown; y: unknown };
  }

  /** Appends the inputs of one sequence; its T. */
  #inputs(x: unknown): number {
    if (!Array.isArray(x) || x.length === 0) {
      throw this.#error('x', `must be an array with one element for each step, at least one, got ${show(x)}; give the sequence's inputs`);
    }
    const kind = Array.isArray(x[0]) ? 'vectors' : 'symbols';
    if (this.#kind !== undefined && kind !== this.#kind) {
      const wanted = this.#kind === 'vectors' ? `arrays of ${plural(this.#I, 'number')}` : 'symbols (whole numbers)';
      throw this.#disagreement('x[0]', `must be ${wanted}, as ${this.#authority()}, got ${show(x[0])}; use one kind of input throughout`);
    }
    this.#kind = kind;
    for (let t = 0; t < x.length; t++) {
      if (kind === 'symbols') this.#symbol(x[t], t);
      else this.#vector(x[t], t);
    }
    return x.length;
  }

  #symbol(value: unknown, t: number): void {
    const { symbols = mostIndices, expected } = this.#rules;
    const count = expected?.inputSize ?? symbols;
    if (isIndex(value, count) && (expected?.symbols === undefined || expected.symbols.has(value))) {
      this.#symbols.add(value);
      this.#builder.symbols.push(value);
      return;
    }
    if (typeof value === 'number' && !Number.isInteger(value)) {
      throw this.#error(
        `x[${t}]`,
        `must be a symbol (a whole number from 0), got ${value}; write [${value}] where a step is one real number`,
      );
    }
    throw this.#indexError(`x[${t}]`, value, 'symbol', count, expected?.symbols);
  }

  #vector(row: unknown, t: number): void {
    if (!Array.isArray(row) || row.length === 0) {
      throw this.#error(
        `x[${t}]`,
        `must be an array of ${this.#I || 'at least one'} numbers, as at every step, got ${show(row)}; correct it`,
      );
    }
    if (this.#I === 0) this.#I = row.length;
    if (row.length !== this.#I) {
      throw this.#disagreement(
        `x[${t}]`,
        `must have ${plural(this.#I, 'number')}, as ${this.#authority()}, got ${row.length}; make all steps alike`,
      );
    }
    for (let i = 0; i < row.length; i++) {
      const value: unknown = row[i];
      if (!isReal(value)) throw this.#realError(`x[${t}][${i}]`, value);
      this.#builder.vectors.push(value);
    }
  }

  /** Zeros, at the steps where outputs are wanted. */
  #noTargets(T: number): void {
    for (let t = this.#possible.every ? 0 : T - 1; t < T; t++) {
      this.#builder.targetSteps.push(t);
      if (this.#rules.loss === 'crossEntropy') this.#builder.classes.push(0);
      else for (let o = 0; o < this.#O; o++) this.#builder.values.push(0);
    }
  }

  #classTargets(y: unknown, T: number): void {
    if (!Array.isArray(y)) {
      this.#agree('one', y);
      this.#class(y, T - 1, 'y');
      return;
    }
    this.#agree('flat', y);
    if (y.length !== T) {
      throw this.#error('y', `must have one class or null for each of the ${T} steps of x, got ${y.length}; make the two agree`);
    }
    for (let t = 0; t < T; t++) if (y[t] !== null) this.#class(y[t], t, `y[${t}]`);
  }

  #class(value: unknown, step: number, field: string): void {
    const { classes = mostIndices, expected } = this.#rules;
    const count = expected?.outputSize ?? classes;
    if (isIndex(value, count) && (expected?.classes === undefined || expected.classes.has(value))) {
      this.#classes.add(value);
      this.#builder.targetSteps.push(step);
      this.#builder.classes.push(value);
      return;
    }
    if (typeof value === 'number' && !Number.isInteger(value)) {
      throw this.#error(
        field,
        `must be a class (a whole number from 0), got ${value}; for targets that are numbers, set data.loss to "mse"`,
      );
    }
    throw this.#indexError(field, value, 'class', count, expected?.classes);
  }

  #numberTargets(y: unknown, T: number): void {
    if (!Array.isArray(y)) {
      this.#agree('one', y);
      this.#vectorSize(1, 'y');
      this.#number(y, -1, -1);
      this.#builder.targetSteps.push(T - 1);
      return;
    }
    const first: unknown = y.find((element: unknown) => element !== null);
    if (Array.isArray(first)) this.#nestedTargets(y, T);
    else this.#flatTargets(y, T, first === undefined);
  }

  /** T arrays of O numbers, or null. */
  #nestedTargets(y: unknown[], T: number): void {
    this.#agree('nested', y);
    if (y.length !== T) {
      throw this.#error('y', `must have one array of numbers or null for each of the ${T} steps of x, got ${y.length}; make the two agree`);
    }
    for (let t = 0; t < T; t++) {
      const row = y[t];
      if (row === null) continue;
      if (!Array.isArray(row) || row.length === 0) {
        throw this.#error(`y[${t}]`, `must be an array of ${this.#O || 'at least one'} numbers, or null, got ${show(row)}; correct it`);
      }
      this.#vectorSize(row.length, `y[${t}]`);
      for (let o = 0; o < row.length; o++) this.#number(row[o], t, o);
      this.#builder.targetSteps.push(t);
    }
  }

  /** An array of numbers: T targets of one number, or one target of O, by its length and those of the other lines. */
  #flatTargets(y: unknown[], T: number, empty: boolean): void {
    if (!empty) this.#agree('flat', y);
    const { expected } = this.#rules;
    const O = this.#O || y.length;
    const nulls = empty || y.includes(null);
    const every = y.length === T && (empty || expected === undefined || expected.outputSize === 1);
    const last = y.length === O && y.length > 0 && !nulls;
    if (!(every && this.#possible.every) && !(last && this.#possible.last)) throw this.#flatError(y, T, O, nulls);
    this.#possible.every &&= every;
    this.#possible.last &&= last;
    if (last) this.#O = O;
    for (let t = 0; t < y.length; t++) {
      if (y[t] === null) continue;
      this.#number(y[t], t, -1);
      this.#builder.targetSteps.push(t);
    }
  }

  #flatError(y: unknown[], T: number, O: number, nulls: boolean): ThroughtimeError {
    const { targets, expected } = this.#rules;
    const size = expected?.outputSize ?? (this.#form === 'nested' ? this.#O : 1);
    const allowed: string[] = [];
    if (this.#possible.every)
      allowed.push(
        `${plural(T, size === 1 ? 'number' : 'array')}${size === 1 ? '' : ` of ${size} numbers`} or null (one for each step of x)`,
      );
    if (this.#possible.last) allowed.push(`${O === 1 ? 'one number' : `a vector of ${O || 'some'} numbers`} (read at the last step)`);
    const who = targets !== undefined ? ` with data.targets "${targets}"` : `, as ${this.#authority()}`;
    const got = nulls ? `${y.length} numbers and nulls` : plural(y.length, 'number');
    return this.#disagreement('y', `must be ${allowed.join(' or ')}${who}, got ${got}; make all lines alike`);
  }

  /** Appends one number of a target: `y`, or `y[t]` where t >= 0, or `y[t][o]` where o >= 0 too. */
  #number(value: unknown, t: number, o: number): void {
    if (!isReal(value)) throw this.#realError(targetField(t, o), value);
    if (this.#rules.loss === 'binaryCrossEntropy' && (value < 0 || value > 1)) {
      const sentence = `must be from 0 to 1 for the loss "binaryCrossEntropy", got ${value}; correct it or set data.loss to "mse"`;
      throw this.#error(targetField(t, o), sentence);
    }
    this.#builder.values.push(value);
  }

  /** Refuses a `y` of another form than those before, or one that the reading asked for excludes. */
  #agree(form: 'one' | 'flat' | 'nested', y: unknown): void {
    const { targets, loss } = this.#rules;
    const reading: Reading | undefined = form === 'one' ? 'last' : form === 'nested' || loss === 'crossEntropy' ? 'every' : undefined;
    if (reading !== undefined && !this.#possible[reading]) {
      const other = reading === 'last' ? 'one target for each step' : 'one target, read at the last step';
      const who = targets !== undefined ? `with data.targets "${targets}"` : `as ${this.#authority()}`;
      throw this.#disagreement('y', `must be ${other}, ${who}, got ${show(y)}; make all lines alike`);
    }
    if (this.#form !== undefined && form !== this.#form) {
      const names = { one: 'a single value', flat: 'an array of values', nested: 'an array of arrays' };
      throw this.#error('y', `must be ${names[this.#form]}, as on the lines before, got ${show(y)}; make all lines alike`);
    }
    this.#form = form;
    if (reading !== undefined) this.#possible[reading === 'last' ? 'every' : 'last'] = false;
  }

  #vectorSize(size: number, field: string): void {
    if (this.#O === 0) this.#O = size;
    if (size !== this.#O) {
      throw this.#disagreement(
        field,
        `must have ${plural(this.#O, 'number')}, as ${this.#authority()}, got ${size}; make all targets alike`,
      );
    }
  }

  #reading(): Reading {
    const { last, every } = this.#possible;
    if (last !== every) return last ? 'last' : 'every';
    if (this.#O === 1) return 'every';
    throw new ThroughtimeError(
      'DATA_INVALID',
      `has as many numbers as x has steps (${this.#O}) on every line, so it is either one vector at the last step or one number for each ` +
        'step; set data.targets to "last" or to "every"',
      { file: this.#rules.file, field: 'y' },
    );
  }

  #authority(): string {
    return this.#rules.expected?.by ?? 'before';
  }

  #realError(field: string, value: unknown): ThroughtimeError {
    if (typeof value !== 'number') return this.#error(field, `must be a number, got ${show(value)}; correct it`);
    return this.#error(field, `must be finite as a float32 (up to 3.4e38 in size), got ${value}; correct or rescale it`);
  }

  #indexError(field: string, value: unknown, what: 'symbol' | 'class', count: number, seen?: ReadonlySet<number>): ThroughtimeError {
    const given = what === 'symbol' ? this.#rules.symbols : this.#rules.classes;
    const option = what === 'symbol' ? 'data.symbols' : 'data.classes';
    if (!isIndex(value, mostIndices)) {
      const sentence = `must be a ${what} (a whole number from 0 to ${Math.min(count, mostIndices) - 1}), got ${show(value)}; correct it`;
      return this.#error(field, sentence);
    }
    if (seen !== undefined) {
      const sentence = `${what} ${value} does not appear in the training file, so nothing is learned about it; add it there or give ${option}`;
      return this.#error(field, sentence);
    }
    const limit = given === undefined ? `${this.#authority()}` : `${option} says`;
    const cure = given === undefined ? 'correct it' : 'correct it or raise the number';
    return this.#disagreement(field, `must be a ${what} from 0 to ${count - 1}, as ${limit}, got ${value}; ${cure}`);
  }

  /** An error of something that does not agree with the rest: with the expectation's code, where there is one. */
  #disagreement(field: string, sentence: string): ThroughtimeError {
    const place = { file: this.#rules.file, line: this.#line, field };
    return new ThroughtimeError(this.#rules.expected?.code ?? 'DATA_INVALID', sentence, place);
  }

  #error(field: string, sentence: string, cause?: unknown): ThroughtimeError {
    const place = { file: this.#rules.file, line: this.#line, ...(field === '' ? {} : { field }) };
    return new ThroughtimeError('DATA_INVALID', sentence, place, cause === undefined ? undefined : { cause });
  }
}

function targetField(t: number, o: number): string {
  return t < 0 ? 'y' : o < 0 ? `y[${t}]` : `y[${t}][${o}]`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function isReal(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(Math.fround(value));
}

function isIndex(value: unknown, count: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < count;
}

function countOf(indices: ReadonlySet<number>): number {
  let largest = -1;
  for (const index of indices) largest = Math.max(largest, index);
  return largest + 1;
}

/** The same numbers with one target a sequence, at its last step. */
function readAtLastStep(arrays: SequenceArrays): SequenceArrays {
  const { starts } = arrays;
  const N = starts.length - 1;
  return {
    ...arrays,
    targetStarts: Float64Array.from(starts, (_, n) => n),
    targetSteps: Int32Array.from({ length: N }, (_, n) => starts[n + 1] - starts[n] - 1),
  };
}
