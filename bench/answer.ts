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
  /** Whether the results are kept in bench/results, and docs/performance.md is made from all that are there. */
  readonly write: boolean;
  /** Whether that page is made and nothing is measured. */
  readonly page: boolean;
}

const results = path.join(import.meta.dirname, 'results');

/**
 * The command line's words. One that means nothing ends the process with exit code 2.
 *
 * @param known names of questions that may be asked for.
 */
export function benchOptions(words: readonly string[], known: readonly string[]): BenchOptions {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        write: { type: 'boolean', default: false },
        page: { type: 'boolean', default: false },
      },
    });
    const unknown = positionals.filter((name) => !known.includes(name));
    if (unknown.length > 0) throw new TypeError(`no question ${unknown.join(', ')}; there is ${known.join(', ')}`);
    return { names: positionals, ...values };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return process.exit(2);
  }
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
  const { quick, json, write, page } = benchOptions(process.argv.slice(2), [question.name]);
  if (write || page) {
    process.stderr.write(`docs/performance.md is made by npm run bench -- ${write ? `${question.name} --write` : '--page'}\n`);
    process.exit(2);
  }
  deliver([{ question, result: await answer(question, quick) }], json);
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
