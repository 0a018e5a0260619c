import { ThroughtimeError } from '../errors.ts';
import type { Cell } from './cell/cell.ts';
import { orthogonalInits, type RecurrentInit } from './init/init.ts';
import type { OrthogonalOption } from './orthogonal/orthogonal.ts';
import { orthogonalMaps } from './orthogonal/orthogonals.ts';
import type { SkipOptions } from './skip/skip.ts';
import { waysOf } from './skip/skips.ts';

/** What an experiment may call a cell. */
export type CellName = 'rnn' | 'lstm' | 'gru' | 'gru-reset-before' | 'mingru' | 'lru';

/** The model of an experiment: what the network is made of. */
export interface ModelOptions {
  /** `rnn`, `lstm`, `gru`, `gru-reset-before`, `mingru`, `lru`, or a cell of your own. */
  readonly cell: CellName | Cell;
  /** Of the plain network only; tanh by default. */
  readonly activation?: 'tanh' | 'relu';
  /** H. */
  readonly hiddenSize: number;
  /** L; 1 by default. */
  readonly layers?: number;
  /** Adds a layer's input to its output, from the second layer on; false by default. */
  readonly residual?: boolean;
  /** Probability with which an output of a layer is dropped on its way to the next one, in training; 0 by default. */
  readonly dropout?: number;
  /** How each gate block of the recurrent matrix starts; `default` is U(-1/sqrt(H), 1/sqrt(H)), and where it stays orthogonal, `henaff`. */
  readonly recurrentInit?: RecurrentInit;
  /**
   * Of cells with a forget gate: b, 1 by default, sets the gate's block of `bias_ih` to b and of `bias_hh` to 0; `chrono`
   * draws it from log U(1, Tmax - 1) and sets the input gate's to minus that (Tallec & Ollivier 2018, arXiv 1804.11188, section 2).
   */
  readonly forgetBias?: number | 'chrono';
  /**
   * Keeps every gate block of the recurrent matrix orthogonal through the whole training; false by default. `by` says how
   * (`exponential`, `cayley` or `polar`), `learningRate` at what rate it learns: a tenth of the training's by default.
   */
  readonly orthogonal?: OrthogonalOption;
  /** Shorter ways through time; none by default. */
  readonly skip?: SkipOptions;
}

const known = ['cell', 'activation', 'hiddenSize', 'layers', 'residual', 'dropout', 'recurrentInit', 'forgetBias', 'orthogonal', 'skip'];

/**
 * Refuses a model whose options are unknown, out of range, or have no meaning beside each other.
 *
 * @throws OPTION_INVALID naming the field, such as `model.dropout`.
 */
export function checkModel(options: ModelOptions): void {
  const { cell, activation, hiddenSize, layers = 1, residual, dropout = 0, forgetBias, recurrentInit, orthogonal } = options;
  for (const [field, value] of Object.entries(options)) {
    if (value !== undefined && !known.includes(field)) refuse(field, `is not an option of a model; those are ${known.join(', ')}`);
  }
  whole('hiddenSize', hiddenSize);
  whole('layers', layers);
  if (!(dropout >= 0 && dropout < 1)) refuse('dropout', `is a probability from 0 to below 1, got ${dropout}`);
  if (activation !== undefined && cell !== 'rnn') {
    refuse('activation', `has no meaning for the cell ${nameOf(cell)}, whose functions are fixed; remove it`);
  }
  if (forgetBias !== undefined && !(cell === 'lstm' || cell === 'mingru' || (typeof cell === 'object' && cell.forgetGate !== undefined))) {
    refuse('forgetBias', `has no meaning for the cell ${nameOf(cell)}, which has no forget gate; remove it`);
  }
  const diagonal = cell === 'mingru' || cell === 'lru' || (typeof cell === 'object' && cell.recurrentMatrix === false);
  if (diagonal) {
    const none = `has no meaning for the cell ${nameOf(cell)}, whose units keep their states without a recurrent matrix; remove it`;
    if (recurrentInit !== undefined) refuse('recurrentInit', none);
    if (orthogonal !== undefined && orthogonal !== false) refuse('orthogonal', none);
  }
  checkOrthogonal(options);
  waysOf(options.skip, layers);
  if (layers === 1 && residual) refuse('residual', 'has no meaning with one layer; remove it or set layers');
  if (layers === 1 && dropout > 0) refuse('dropout', 'acts between layers and there is one; remove it or set layers');
}

/** How the recurrent matrix starts, where nothing is said too. */
export function startOf({ recurrentInit, orthogonal }: Pick<ModelOptions, 'recurrentInit' | 'orthogonal'>): RecurrentInit {
  return recurrentInit ?? (orthogonal ? 'henaff' : 'default');
}

function checkOrthogonal(options: ModelOptions): void {
  const { orthogonal = false } = options;
  if (orthogonal === false) return;
  const start = startOf(options);
  if (!(orthogonalInits as readonly RecurrentInit[]).includes(start)) {
    const allowed = orthogonalInits.map((each) => JSON.stringify(each)).join(', ');
    const sentence = `keeps an orthogonal matrix, and recurrentInit ${JSON.stringify(start)} does not start from one; choose ${allowed}`;
    refuse('orthogonal', sentence);
  }
  if (options.hiddenSize === 1) {
    refuse('orthogonal', 'has no meaning with one hidden unit, whose matrix would be 1 or -1 for ever; remove it or set hiddenSize');
  }
  if (orthogonal === true) return;
  const { by, learningRate } = orthogonal;
  const maps = Object.keys(orthogonalMaps);
  if (by !== undefined && !maps.includes(by)) refuse('orthogonal.by', `is one of ${maps.join(', ')}, got ${String(by)}`);
  if (learningRate !== undefined && !(learningRate > 0 && learningRate < Infinity)) {
    refuse('orthogonal.learningRate', `is a finite number above 0, got ${learningRate}`);
  }
}

const nameOf = (cell: ModelOptions['cell']) => (typeof cell === 'string' ? cell : cell.name);

function whole(field: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) refuse(field, `is a whole number from 1, got ${value}`);
}

function refuse(field: string, sentence: string): never {
  throw new ThroughtimeError('OPTION_INVALID', sentence, { field: `model.${field}` });
}
