import type { Reals } from '../compute/backend.ts';
import { seedFor } from '../compute/random.ts';
import type { Dataset } from '../data/dataset.ts';
import { ThroughtimeError } from '../errors.ts';
import type { Loss } from '../network/loss/loss.ts';
import { losses } from '../network/loss/losses.ts';
import type { Network } from '../network/network.ts';
import { Checkpointed } from '../network/unroll/checkpointed.ts';
import type { MemoryPlan } from '../network/unroll/memoryPlan.ts';
import { BatchOrder, longestOf } from './batchOrder.ts';
import { type BatchSource, directBatches } from './batchSource.ts';
import { checkTraining } from './checkTraining.ts';
import type { Clip } from './clip/clip.ts';
import { clipOf } from './clip/clips.ts';
import type { TrainingOptions } from './options.ts';
import type { Schedule } from './schedule/schedule.ts';
import { scheduleOf } from './schedule/schedules.ts';
import { planTraining } from './trainingMemory.ts';
import { nonFiniteName, Updater } from './updater.ts';

/** What is known about one update once it is made; a line of `metrics.jsonl`. */
export interface UpdateRecord {
  /** Counts from 1. */
  readonly update: number;
  /** Mean loss of the batch before the update; NaN or infinite if the pass was. */
  readonly loss: number;
  /** ‖g‖₂ before clipping. */
  readonly gradientNorm: number;
  /** ‖g‖₂ after clipping, equal to `gradientNorm` where the clip did not bind. */
  readonly clippedNorm: number;
  readonly learningRate: number;
  /** What was not finite, and which carried state was set to 0 for it, for an update that was skipped; else null. */
  readonly nonFinite: string | null;
  readonly seconds: number;
}

/** Where a training stands, apart from its arrays: enough, with them, to go on to the same bits. */
export interface TrainerCursor {
  readonly update: number;
  /** Updates that changed the weights; the optimizer's step. */
  readonly applied: number;
  readonly epoch: number;
  readonly batch: number;
  readonly window: number;
}

/**
 * Trains a network on a data set, one update at a time. What is drawn at random (order of the sequences, dropout) depends
 * on the seed and on where the training stands, on nothing else, so that the same options give the same bits and a
 * training can be taken up at any update.
 */
export class Trainer {
  readonly network: Network;
  readonly dataset: Dataset;
  readonly options: TrainingOptions;
  readonly loss: Loss;
  readonly updater: Updater;
  readonly #through: Checkpointed;
  readonly #order: BatchOrder;
  readonly #batches: BatchSource;
  readonly #clip: Clip;
  readonly #schedule: Schedule;
  readonly #longest: number;
  #update = 0;
  #applied = 0;
  /** Windows without a counted target since the last update. */
  #passes = 0;

  /**
   * @param given the plan of its memory, on which the bits depend, by default one for `options.memory`; and where filled batches come
   *   from, by default copied from the data set when they are needed. A plan of several segments copies them from the data set.
   */
  constructor(network: Network, dataset: Dataset, options: TrainingOptions, given: { plan?: MemoryPlan; batches?: BatchSource } = {}) {
    const { backend } = network;
    checkTraining(options);
    this.network = network;
    this.dataset = dataset;
    this.options = options;
    this.loss = losses[dataset.loss];
    this.#longest = longestOf(dataset);
    const planned = given.plan ?? planTraining(network, dataset, options).pass;
    this.#through = new Checkpointed(network, dataset.target, planned, options.bptt !== 'full');
    this.#order = new BatchOrder(dataset, options);
    this.#batches = given.batches ?? directBatches(dataset);
    this.#clip = clipOf(options.clip);
    this.#schedule = scheduleOf(options.schedule, options.updates);
    this.updater = new Updater(network.parameters, backend, options);
  }

  /** Updates made so far, skipped ones included. */
  get update(): number {
    return this.#update;
  }

  /** How the passes are held in memory. */
  get plan(): MemoryPlan {
    return this.#through.plan;
  }

  get done(): boolean {
    return this.#update >= this.options.updates;
  }

  /**
   * Whether the training stands where it can be kept and taken up again. It does not after an error, where the windows without a target
   * before the failed one have moved the carried state.
   */
  get isBetweenUpdates(): boolean {
    return this.#passes === 0;
  }

  /**
   * Makes the next update and says what happened.
   *
   * @throws OPTION_INVALID once all updates are made; what the data throw where they cannot be read.
   */
  step(): UpdateRecord {
    if (this.done) {
      throw new ThroughtimeError('OPTION_INVALID', `all ${this.options.updates} updates are made; look at \`done\` before each step`);
    }
    const began = performance.now();
    this.#zeroed = null;
    for (;;) {
      const counted = this.#pass();
      if (counted) break;
      if (++this.#passes > 2 * this.dataset.count * (this.#longest + 1)) {
        throw new ThroughtimeError(
          'DATA_INVALID',
          'no sequence of the training data has a counted target, so there is nothing to learn; give targets',
        );
      }
    }
    this.#passes = 0;
    return { ...this.#finish(), seconds: (performance.now() - began) / 1000 };
  }

  /** Where the training stands. */
  get cursor(): TrainerCursor {
    return { update: this.#update, applied: this.#applied, ...this.#order.place };
  }

  /** The state that is carried into the next window, per layer and state; empty arrays at the beginning of a sequence. */
  carried(): { name: string; values: Reals }[] {
    const size = this.#order.place.window > 0 ? this.#order.sequences.length * this.network.H : 0;
    return this.#through.unrolled.layers.flatMap(({ states }, layer) =>
      states.map((state, index) => ({ name: `carried.${this.network.cell.states[index]}_l${layer}`, values: state.subarray(0, size) })),
    );
  }

  /** Takes up a training where another stood. The network's parameters and the optimizer's slots are restored by the caller. */
  restore(cursor: TrainerCursor, carried: (name: string) => ArrayLike<number>): void {
    this.#update = cursor.update;
    this.#applied = cursor.applied;
    this.#order.place = cursor;
    for (const { name, values } of this.carried()) {
      const kept = carried(name);
      if (kept.length !== values.length) {
        throw new ThroughtimeError(
          'CHECKPOINT_INVALID',
          `${name} has ${kept.length} numbers where this training carries ${values.length}; take the checkpoint of this run`,
        );
      }
      values.set(kept);
    }
    this.network.changed();
  }

  /** One window forward and, if it has counted targets, backward; then on to the next. Returns whether it had any. */
  #pass(): boolean {
    const order = this.#order;
    const { window, next } = order;
    if (!window) {
      order.advance();
      return false;
    }
    if (order.place.window === 0) this.#through.reset();
    const { sequences } = order;
    const { begin, end, countFrom } = window;
    const whole = this.#through.plan.segments === 1;
    const loss = this.#through.run({
      T: end - begin,
      B: sequences.length,
      copy: (from, to, batch) => {
        if (whole) this.#batches.fill(order, batch);
        else this.dataset.copy({ sequences, begin: begin + from, end: begin + to, countFrom }, batch);
      },
      loss: this.loss,
      dropout: this.network.dropout > 0 ? seedFor(this.options.seed, 'dropout', this.#update) : undefined,
      carry: next && next.begin - begin,
    });
    if (loss !== undefined) this.#lossValue = loss;
    order.advance();
    if (next) this.#zeroed = this.#zeroNonFinite() ?? this.#zeroed;
    return loss !== undefined;
  }

  #lossValue = Number.NaN;
  /** What of the carried state was set to 0 in the passes of this update; null if nothing was. */
  #zeroed: string | null = null;

  /**
   * Sets the carried state of a sequence to 0 where any of it is not finite: it would make every window to the end of the
   * sequence worthless, which for a text is all of the epoch. Says what was found first, and in how many sequences.
   */
  #zeroNonFinite(): string | null {
    const { backend, H } = this.network;
    const carried = this.carried();
    const found = carried.find(({ values }) => backend.firstNonFinite(values, 0, values.length) >= 0);
    if (!found) return null;
    let sequences = 0;
    for (let at = 0; at < found.values.length; at += H) {
      if (carried.every(({ values }) => backend.firstNonFinite(values, at, H) < 0)) continue;
      for (const { values } of carried) values.fill(0, at, at + H);
      sequences++;
    }
    return `state ${found.name.slice('carried.'.length)} of ${sequences} sequence${sequences === 1 ? '' : 's'} set to 0`;
  }

  /** Clips the gradient that the pass left, and applies it if everything is finite. */
  #finish(): Omit<UpdateRecord, 'seconds'> {
    const { parameters, backend } = this.network;
    const { gradient, length } = parameters;
    const loss = this.#lossValue;
    this.#update++;
    const learningRate = this.options.learningRate * this.#schedule(this.#update);
    const norm = Math.sqrt(backend.sumSquares(gradient, 0, length));
    let clippedNorm = norm;
    const named = [nonFiniteName(loss, norm, parameters, backend), this.#zeroed].filter((each) => each !== null);
    let nonFinite = named.length > 0 ? named.join('; ') : null;
    if (nonFinite === null) {
      if (this.#clip({ backend, gradient, length, norm })) clippedNorm = Math.sqrt(backend.sumSquares(gradient, 0, length));
      nonFinite = this.updater.apply(learningRate, clippedNorm, this.#applied + 1);
      if (nonFinite === null) {
        this.#applied++;
        this.network.changed();
      }
    }
    return { update: this.#update, loss, gradientNorm: norm, clippedNorm, learningRate, nonFinite };
  }
}
