import type { Reals } from '../../compute/backend.ts';
import { ThroughtimeError } from '../../errors.ts';
import { allocateBatch, type Batch } from '../batch.ts';
import type { Network } from '../network.ts';
import { Unrolled } from './unrolled.ts';

/** What is carried from step to step: `h_l0`, `c_l0`, `h_l1`, ..., [history, B, H] each, the oldest step first (history 1 without skips). */
export type CarriedStates = Readonly<Record<string, Float64Array>>;

/**
 * Runs a network forward step by step on B streams side by side, with the state carried on: for data that come one at a time. Its
 * outputs are those of a pass through the whole sequence. Its memory is the backend's, from the construction on.
 *
 * @example
 * ```ts
 * import { initialize, Network, Predictor, scalarBackend } from 'throughtime';
 *
 * const model = { cell: 'lstm', hiddenSize: 4 } as const;
 * const network = new Network(scalarBackend(), model, { kind: 'vectors', size: 2 }, 1);
 * initialize(network, model, 0);
 * const predictor = new Predictor(network);
 * for (const x of [[0, 1], [1, 0]]) console.log(predictor.step(x)[0]);
 * ```
 */
export class Predictor {
  readonly network: Network;
  /** Streams side by side. */
  readonly B: number;
  readonly #unrolled: Unrolled;
  readonly #batch: Batch;

  constructor(network: Network, B = 1) {
    if (!Number.isSafeInteger(B) || B < 1) throw new ThroughtimeError('OPTION_INVALID', `streams are a whole number from 1, got ${B}`);
    const { backend, input, O } = network;
    this.network = network;
    this.B = B;
    this.#unrolled = new Unrolled(network, 1, B);
    this.#batch = allocateBatch(backend, input, { kind: 'classes', size: O }, 1, B);
    this.#batch.counted = B;
    for (let b = 0; b < B; b++) this.#batch.rows[b] = b;
    this.reset();
  }

  /** Begins anew: the state becomes 0. */
  reset(): void {
    this.#unrolled.reset();
  }

  /**
   * One step of all streams.
   *
   * @param input [B, I] numbers, or [B] symbols.
   * @returns [B, O] outputs, before any softmax or sigmoid; overwritten by the next step.
   * @throws SHAPE_MISMATCH where there are more or fewer numbers; DATA_INVALID for one that is not finite, or no symbol.
   */
  step(input: ArrayLike<number>): Reals {
    const { kind, size } = this.network.input;
    const { symbols, vectors } = this.#batch;
    const wanted = kind === 'symbols' ? this.B : this.B * size;
    if (input.length !== wanted) {
      const what = kind === 'symbols' ? `${this.B} symbols, one for each stream` : `${this.B} x ${size} numbers`;
      throw new ThroughtimeError('SHAPE_MISMATCH', `a step reads ${what}, got ${input.length}`);
    }
    for (let i = 0; i < wanted; i++) {
      const value = input[i];
      if (kind === 'symbols' ? !(Number.isInteger(value) && value >= 0 && value < size) : !Number.isFinite(Math.fround(value))) {
        const allowed = kind === 'symbols' ? `a symbol from 0 to ${size - 1}` : 'finite as a float32';
        throw new ThroughtimeError('DATA_INVALID', `must be ${allowed}, got ${value}; correct it`, { field: `input[${i}]` });
      }
    }
    if (kind === 'symbols') symbols.set(input);
    else vectors.set(input);
    this.#unrolled.forward(this.#batch);
    this.#unrolled.carry(1);
    return this.#unrolled.readout.outputs.subarray(0, this.B * this.network.O);
  }

  /** A copy of the state, from which this predictor, or another of the same network, goes on to the same numbers. */
  get states(): CarriedStates {
    return Object.fromEntries(this.#carried().map(({ name, values }) => [name, Float64Array.from(values)]));
  }

  /** @throws SHAPE_MISMATCH where the states are not those of this network and of as many streams. */
  set states(states: CarriedStates) {
    const carried = this.#carried();
    for (const { name, values } of carried) {
      const given = Object.hasOwn(states, name) ? states[name] : undefined;
      if (given?.length === values.length) continue;
      const sentence = `must be ${values.length} numbers for ${this.B} streams, got ${given?.length ?? 'none'}; give the states of this network`;
      throw new ThroughtimeError('SHAPE_MISMATCH', sentence, { field: name });
    }
    for (const { name, values } of carried) values.set(states[name]);
  }

  #carried(): { readonly name: string; readonly values: Reals }[] {
    const { cell, H } = this.network;
    return this.#unrolled.layers.flatMap(({ states, history }, layer) =>
      states.map((state, index) => ({ name: `${cell.states[index]}_l${layer}`, values: state.subarray(0, history * this.B * H) })),
    );
  }
}
