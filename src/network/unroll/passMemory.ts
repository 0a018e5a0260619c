import { countingBackend } from '../../compute/counting.ts';
import { allocateBatch, type TargetShape } from '../batch.ts';
import { Network } from '../network.ts';
import { historyOf } from '../skip/skip.ts';
import { Unrolled } from './unrolled.ts';

/** What a pass over B sequences takes, in bytes. */
export interface PassMemory {
  /** Whatever the number of steps. */
  readonly fixed: number;
  /** More for each step that is held for the way back: its activations and its part of the batch. */
  readonly perStep: number;
  /** The state between two steps, of all layers. */
  readonly perState: number;
}

/** Counts, rather than allocates, a network unrolled for B sequences, and its batch. Not more than 1% or so above what is allocated. */
export function passMemory(network: Network, target: TargetShape, B: number): PassMemory {
  const of = (T: number) =>
    bytesOf(network, (counted) => {
      new Unrolled(counted, T, B);
      allocateBatch(counted.backend, network.input, target, T, B);
    });
  const perStep = of(2) - of(1);
  return { fixed: of(1) - perStep, perStep, perState: stateSize(network, B) * (network.backend.precision === 'float32' ? 4 : 8) };
}

/** Bytes of the backend's memory that are taken by what is constructed on the network: counted, not allocated. */
export function bytesOf(network: Network, construct: (counted: Network) => void): number {
  const backend = countingBackend(network.backend);
  construct(Object.assign(Object.create(Network.prototype), network, { backend }));
  return backend.bytes;
}

/** Numbers that are carried from one step to the next, in all layers and sequences. */
export function stateSize({ ways, H, cell }: Network, B: number): number {
  return ways.reduce((sum, each) => sum + historyOf(each), 0) * cell.states.length * B * H;
}
