/** From a question to its result: what `npm run bench` and each question's own file have in common. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { thisMachine } from './machine.ts';
import type { Question, Result } from './question.ts';

export interface BenchOptions {
  readonly names: readonly string[];
  readonly quick: boolean;
  /** File for the results as JSON, `-` for stdout. */
  readonly json?: string;
  /** Whether the results are kept in bench/results. */
  readonly write: boolean;
}

const results = path.join(import.meta.dirname, 'results');

/** @throws TypeError for an option that there is not. */
export function benchOptions(words: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, write: { type: 'boolean', default: false } },
  });
  return { names: positionals, ...values };
}

/** Measures one question, with its progress on stderr. */
export async function answer(question: Question, quick: boolean): Promise<Result> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  say(`${question.name}: ${question.title}`);
  const machine = thisMachine();
  if (machine.load > 0.5) say(`the machine is busy: a load of ${machine.load} before the start`);
  const began = performance.now();
  const found: unknown = await question.measure({ quick, say });
  const seconds = Math.round((performance.now() - began) / 1000);
  return { question: question.name, date: new Date().toISOString().slice(0, 10), quick, seconds, machine, answer: rounded(found) };
}

/** Puts a result where the page is made from. */
export function store(result: Result): void {
  mkdirSync(results, { recursive: true });
  writeFileSync(resultPath(result.question), resultText(result));
}

/** JSON where `json` says, or the sections on stdout. */
export function deliver(answered: readonly { question: Question; result: Result }[], json: string | undefined): void {
  const all = answered.map(({ result }) => result);
  const text = resultText(all.length === 1 ? all[0] : all);
  if (json === '-') process.stdout.write(text);
  else if (json !== undefined) writeFileSync(json, text);
  else for (const { question, result } of answered) process.stdout.write(`\n${question.section(result.answer)}\n`);
}

/** `node bench/<question>.ts` by itself. */
export async function answerAlone(question: Question): Promise<void> {
  const options = benchOptions(process.argv.slice(2));
  if (options.names.length > 0) throw new TypeError(`${options.names[0]}: this file asks one question; npm run bench takes names`);
  const result = await answer(question, options.quick);
  if (options.write) store(result);
  deliver([{ question, result }], options.json);
}

/** What was written last for a question, if anything was. */
export function storedResult(question: string): Result | undefined {
  try {
    return JSON.parse(readFileSync(resultPath(question), 'utf8')) as Result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function resultPath(question: string): string {
  return path.join(results, `${question}.json`);
}

/** Five significant digits are more than any clock gives. */
function rounded(found: unknown): unknown {
  return JSON.parse(JSON.stringify(found), (_, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value,
  );
}

/** JSON with an array of numbers on one line. */
function resultText(value: unknown): string {
  const text = JSON.stringify(value, null, 1);
  return `${text.replace(/\[\s+([-\d.e+,\s]+?)\s+\]/g, (_, numbers: string) => `[${numbers.replace(/\s+/g, ' ')}]`)}\n`;
}
