import type { Reals } from '../../compute/backend.ts';
import { ThroughtimeError } from '../../errors.ts';
import { allocateBatch, type Batch, type TargetShape } from '../batch.ts';
import type { Loss } from '../loss/loss.ts';
import type { Network } from '../network.ts';
import { type MemoryPlan, segmentBegin } from './memoryPlan.ts';
import type { NormRecord } from './normRecord.ts';
import { stateSize } from './passMemory.ts';
import { plans } from './plan/plans.ts';
import type { StateWatch } from './stateWatch.ts';
import { type BackwardOptions, Unrolled } from './unrolled.ts';

/** One pass forward and back through T steps, which are copied a segment at a time, some of them several times. */
export interface LongPass {
  readonly T: number;
  readonly B: number;
  /** Fills the batch with steps [begin, end) of the pass, always with the same. */
  readonly copy: (begin: number, end: number, batch: Batch) => void;
  readonly loss: Loss;
  /** Seed of the dropout masks; without it nothing is dropped. */
  readonly dropout?: number;
  /** Makes the state after this many of the steps the one before the first step of the next pass. */
  readonly carry?: number;
  /** As of `Unrolled.backward`. */
  readonly statesOnly?: boolean;
  /** Per layer, for all T * B rows. */
  readonly record?: readonly NormRecord[];
  /** Measures, and bounds, dL/ds_t on its way back. */
  readonly watch?: StateWatch;
  /** As of `Unrolled.backward`. */
  readonly passed?: BackwardOptions['passed'];
  /** [T, B, I] */
  readonly inputGradient?: Reals;
  /** Called when a segment has been run forward and is about to be gone back through: `unrolled` and `batch` hold its steps, from `begin` on. */
  readonly beforeBackward?: (begin: number) => void;
  /** Called with the loss when all has been gone back through, before the state is carried on. */
  readonly finished?: (loss: number) => void;
}

/**
 * A network that goes back through more steps than it holds at a time: the exact gradient of full backpropagation in bounded memory. A
 * segment of the steps is unrolled; the order of the work, and which states are kept meanwhile, are those of a plan.
 *
 * What is handed from one segment to the one before it is dL/ds with its power-of-two exponents, where `Unrolled` has left it; so
 * the states and their gradients have the bits of plain backpropagation. Sums over steps (the loss, the weight gradients) are taken
 * segment by segment, from the last to the first, and may differ from it by their rounding.
 */
export class Checkpointed {
  readonly network: Network;
  readonly plan: MemoryPlan;
  /** Holds one segment. */
  readonly unrolled: Unrolled;
  readonly batch: Batch;
  /** [slots, S] for the S numbers of a state. */
  readonly #kept: Reals;
  /** [S] the state that the next pass begins with. */
  readonly #carried: Reals;
  readonly #size: number;
  /** Numbers of one state of one layer at one step, in the pass at hand. */
  #rows = 0;

  /** @param carries whether `carry` will be asked for; of what is held all at once, no state need be kept for that. */
  constructor(network: Network, target: TargetShape, plan: MemoryPlan, carries = true) {
    const { backend, input } = network;
    const { segmentSteps, segments, slots, B } = plan;
    this.network = network;
    this.plan = plan;
    this.unrolled = new Unrolled(network, segmentSteps, B);
    this.batch = allocateBatch(backend, input, target, segmentSteps, B);
    this.#size = stateSize(network, B);
    this.#kept = backend.allocate(slots * this.#size);
    this.#carried = backend.allocate(carries && segments > 1 ? this.#size : 0);
  }

  /** Sets the state before the first step to 0. */
  reset(): void {
    this.unrolled.reset();
  }

  /**
   * Runs forward and back: returns the mean loss of the counted targets, whose gradient is then in `network.parameters.gradient`.
   * Undefined where no target is counted: then there is no gradient, and only the state goes on.
   */
  run(pass: LongPass): number | undefined {
    const { T, B, carry } = pass;
    const { segmentSteps, slots, plan } = this.plan;
    if (T < 1 || T > this.plan.T || B > this.plan.B) {
      throw new ThroughtimeError(
        'SHAPE_MISMATCH',
        `this pass is planned for 1 to ${this.plan.T} steps of at most ${this.plan.B} sequences, got ${T} of ${B}; plan it for what you run`,
      );
    }
    this.#rows = B * this.network.H;
    pass.watch?.begin(T, B);
    const segments = Math.ceil(T / segmentSteps);
    const actions = plans[plan === 'plain' ? 'squareRoot' : plan].actions(segments, slots);
    const { unrolled, batch } = this;
    const begin = (segment: number) => segmentBegin(segment, T, segmentSteps);
    /** Segments that have been run forward, and their counted targets. */
    let reached = 0;
    let counted = 0;
    let loss = 0;
    const fill = (segment: number): boolean => {
      pass.copy(begin(segment), begin(segment + 1), batch);
      if (segment < reached) return false;
      reached++;
      counted += batch.counted;
      return true;
    };
    const forward = (segment: number, first: boolean, statesOnly: boolean) => {
      unrolled.forward(batch, { dropout: pass.dropout, begin: begin(segment), statesOnly });
      // Where the pass is one segment, its states are there until its end.
      if (first && segments > 1 && carry !== undefined && carry > begin(segment) && carry <= begin(segment + 1)) {
        this.#save(carry - begin(segment), this.#carried, 0);
      }
    };
    for (const action of actions) {
      switch (action.kind) {
        case 'store':
          this.#save(0, this.#kept, action.slot);
          break;
        case 'restore':
          this.#load(this.#kept, action.slot);
          break;
        case 'advance':
          for (let segment = action.segment; segment < action.until; segment++) {
            forward(segment, fill(segment), true);
            unrolled.carry(batch.T);
          }
          break;
        case 'backward': {
          const { segment } = action;
          const first = fill(segment);
          if (counted === 0) {
            if (carry === undefined) return undefined;
            forward(segment, first, true);
            if (segments > 1 && carry === 0) this.#load(this.#kept, 0);
            else this.#carryOn(segments, carry);
            return undefined;
          }
          forward(segment, first, false);
          pass.beforeBackward?.(begin(segment));
          loss += this.#backward(pass, begin(segment), counted);
        }
      }
    }
    pass.finished?.(loss);
    if (carry !== undefined) this.#carryOn(segments, carry);
    return loss;
  }

  /** After the last segment has been gone back through, the state before all of them is at hand. */
  #carryOn(segments: number, carry: number): void {
    if (carry === 0) return;
    if (segments > 1) this.#load(this.#carried, 0);
    else this.unrolled.carry(carry);
  }

  #backward({ T: all, loss, statesOnly, record, watch, passed, inputGradient }: LongPass, begin: number, counted: number): number {
    const { T, B, input } = this.batch;
    const [from, to] = [begin * B, (begin + T) * B];
    return this.unrolled.backward(loss, {
      statesOnly,
      watch,
      passed,
      record: record?.map(({ squares, exponents, afterInjection }) => {
        return { squares: squares.subarray(from, to), exponents: exponents.subarray(from, to), afterInjection };
      }),
      inputGradient: inputGradient?.subarray(from * input.size, to * input.size),
      part: { counted, after: all - begin - T },
    });
  }

  /** Keeps the state after `step` steps of the segment at hand; 0 is the one before it. */
  #save(step: number, into: Reals, slot: number): void {
    const rows = this.#rows;
    let at = slot * this.#size;
    for (const { states, history } of this.unrolled.layers) {
      for (const state of states) {
        into.set(state.subarray(step * rows, (step + history) * rows), at);
        at += history * rows;
      }
    }
  }

  #load(from: Reals, slot: number): void {
    const rows = this.#rows;
    let at = slot * this.#size;
    for (const { states, history } of this.unrolled.layers) {
      for (const state of states) {
        state.set(from.subarray(at, at + history * rows), 0);
        at += history * rows;
      }
    }
  }
}
