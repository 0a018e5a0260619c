import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Backend } from '../../src/compute/backend.ts';
import { allocateBatch, type Batch } from '../../src/network/batch.ts';
import type { LossName } from '../../src/network/loss/loss.ts';
import { Network } from '../../src/network/network.ts';

export interface NestedArray extends Array<Nested> {}
type Nested = number | NestedArray;

/** One file of `testdata`; its README says what the fields hold. */
export interface GoldenCase {
  name: string;
  cell: 'rnn-tanh' | 'rnn-relu' | 'lstm' | 'gru';
  layers: number;
  inputSize: number;
  hiddenSize: number;
  outputSize: number;
  loss: LossName;
  at: 'last' | 'every' | 'masked';
  lengths: number[];
  params: Record<string, Nested>;
  x: number[][][];
  y: Nested[];
  lossValue: number;
  grads: Record<string, Nested>;
  gradNorm: number;
  clipNorm: number;
  clipped: Record<string, Nested>;
  lag: number[][];
  adam: { losses: number[]; params: Record<string, Nested> };
  tbptt?: {
    k1: number;
    k2: number;
    windows: { start: number; end: number; loss: number; gradNorm: number; grads: Record<string, Nested> }[];
  }[];
}

/** All cases of a folder. */
export function readCases(folder: string): GoldenCase[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ ...(JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as GoldenCase), name: file.replace('.json', '') }));
}

export const flat = (nested: Nested): number[] => (typeof nested === 'number' ? [nested] : nested.flatMap(flat));

/** The case's network with its starting parameters. */
export function networkOf(golden: GoldenCase, backend: Backend): Network {
  const [cell, activation] = golden.cell.split('-') as ['rnn' | 'lstm' | 'gru', 'tanh' | 'relu' | undefined];
  const { hiddenSize, layers, inputSize, outputSize } = golden;
  const network = new Network(backend, { cell, activation, hiddenSize, layers }, { kind: 'vectors', size: inputSize }, outputSize);
  setParameters(network, golden.params);
  return network;
}

export function setParameters(network: Network, values: Record<string, Nested>): void {
  for (const [name, nested] of Object.entries(values)) network.parameters.valuesOf(name).set(flat(nested));
  network.changed();
}

/** Steps [begin, end) of the case as a batch whose targets count from `countFrom` on. */
export function batchOf(golden: GoldenCase, backend: Backend, begin = 0, end = golden.x.length, countFrom = begin): Batch {
  const T = end - begin;
  const B = golden.x[0].length;
  const kind = golden.loss === 'crossEntropy' ? 'classes' : 'values';
  const batch = allocateBatch(backend, { kind: 'vectors', size: golden.inputSize }, { kind, size: golden.outputSize }, T, B);
  batch.vectors.set(flat(golden.x.slice(begin, end)));
  for (let t = begin; t < end; t++) {
    for (let b = 0; b < B; b++) {
      const last = t === golden.x.length - 1;
      if (t < countFrom || (golden.at === 'last' && !last) || (golden.at === 'masked' && t >= golden.lengths[b])) continue;
      const target = golden.at === 'last' ? golden.y[b] : (golden.y[t] as Nested[])[b];
      batch.rows[batch.counted] = (t - begin) * B + b;
      if (kind === 'classes') batch.classes[batch.counted] = target as number;
      else batch.values.set(flat(target), batch.counted * golden.outputSize);
      batch.counted++;
    }
  }
  return batch;
}

/** The case with a loss at the last step only, on the targets that stand there: what `lag` is about. */
export function atLastStep(golden: GoldenCase): GoldenCase {
  return golden.at === 'last' ? golden : { ...golden, at: 'last', y: golden.y.at(-1) as Nested[] };
}
