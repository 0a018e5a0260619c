import { statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { show } from '../data/options.ts';
import { ThroughtimeError } from '../errors.ts';
import type { Cell } from '../network/cell/cell.ts';

/**
 * All cells that a module of the user's exports.
 *
 * @throws OPTION_INVALID naming the file, where it cannot be loaded, exports no cell, or one that is not complete.
 */
export async function cellsOfModule(file: string): Promise<Cell[]> {
  if (statSync(file).isDirectory()) throw refusal(file, 'is a directory, not a module; name the file that exports the cell');
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(path.resolve(file)).href)) as Record<string, unknown>;
  } catch (cause) {
    const line = lineIn(cause, file);
    // The engine keeps the place of a syntax error to itself, but prints it.
    const where = cause instanceof SyntaxError && line === undefined ? `; node --check ${file} shows where` : '; correct it';
    throw new ThroughtimeError('OPTION_INVALID', `cannot be loaded: ${sayingOf(cause)}${where}`, { file, line }, { cause });
  }
  const found = new Map<unknown, string>();
  for (const [name, value] of Object.entries(exported)) {
    if (!found.has(value) && isMeantAsCell(value)) found.set(value, name);
  }
  if (found.size === 0) {
    throw refusal(file, 'exports no cell, an object with name, gates, apart, states, forward and backward; export one');
  }
  return Array.from(found, ([value, name]) => checkedCell(value as Record<string, unknown>, name, file));
}

/** Runs what calls a user's cell; what the cell throws becomes an error that names its file. */
export function calling<T>(cell: Cell, file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof ThroughtimeError && cause.kind === 'work') throw cause;
    const line = lineIn(cause, file);
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `the cell ${cell.name} fails: ${sayingOf(cause)}; correct its forward or backward`,
      { file, line },
      { cause },
    );
  }
}

function isMeantAsCell(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('forward' in value || 'backward' in value);
}

function checkedCell(cell: Record<string, unknown>, exportName: string, file: string): Cell {
  const { name, gates, apart, states, forgetGate, apartInput } = cell;
  const wrong = (field: string, allowed: string) =>
    refusal(file, `${field} of the exported ${exportName} must be ${allowed}, got ${show(cell[field])}; correct it`);
  const whole = (value: unknown, least: number, most: number) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  if (typeof name !== 'string' || name === '') throw wrong('name', 'a word');
  if (!whole(gates, 1, 64)) throw wrong('gates', 'a whole number from 1 to 64');
  if (!whole(apart, 0, Number(gates))) throw wrong('apart', `a whole number from 0 to gates, which is ${gates}`);
  if (!Array.isArray(states) || states.length === 0 || states.some((each) => typeof each !== 'string')) {
    throw wrong('states', 'an array of at least one name');
  }
  if (new Set(states).size < states.length) throw wrong('states', 'an array of different names');
  if (forgetGate !== undefined && !whole(forgetGate, 0, Number(gates) - 1)) {
    throw wrong('forgetGate', `a whole number from 0 to gates - 1, which is ${Number(gates) - 1}`);
  }
  if (apartInput !== undefined) {
    const { gates: of, forward, backward } = Object(apartInput) as Record<string, unknown>;
    const joined = Number(gates) - Number(apart);
    const fits = Array.isArray(of) && of.every((each) => whole(each, 0, joined - 1));
    if (apart === 0 || !fits || typeof forward !== 'function' || typeof backward !== 'function') {
      throw wrong('apartInput', 'an object with gates, which are not kept apart, forward and backward, beside gates kept apart');
    }
  }
  for (const method of ['forward', 'backward']) if (typeof cell[method] !== 'function') throw wrong(method, 'a function');
  return cell as unknown as Cell;
}

const refusal = (file: string, sentence: string) => new ThroughtimeError('OPTION_INVALID', sentence, { file });

/** What was thrown, in one line. */
function sayingOf(cause: unknown): string {
  if (!(cause instanceof Error)) return `it threw ${typeof cause === 'object' ? 'an object' : show(cause)}`;
  const [first] = cause.message.split('\n');
  return `${cause.name}: ${first}`;
}

/** Where in the file it was thrown; undefined where the trace does not say. */
function lineIn(cause: unknown, file: string): number | undefined {
  const trace = cause instanceof Error ? (cause.stack ?? '') : '';
  const url = pathToFileURL(path.resolve(file)).href;
  const at = trace.indexOf(`${url}:`);
  const line = at < 0 ? Number.NaN : Number.parseInt(trace.slice(at + url.length + 1), 10);
  return Number.isNaN(line) ? undefined : line;
}
