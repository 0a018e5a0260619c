/**
 * One update after the other. Longer than other files: the order of what an update does is one piece, and each thing that it does has a file of its own.
 */

import type { Reals } from '../compute/backend.ts';
import { seedFor } from '../compute/random.ts';
import type { Dataset } from '../data/dataset.ts';
import { ThroughtimeError } from '../errors.ts';
import { GradientNorm, type GradientNorms } from '../monitor/gradientNorm.ts';
import { locateNonFinite } from '../monitor/nonFinite.ts';
import { type NormGrowth, normGrowth } from '../monitor/normGrowth.ts';
import type { Loss } from '../network/loss/loss.ts';
import { losses } from '../network/loss/losses.ts';
import type { Network } from '../network/network.ts';
import { Checkpointed } from '../network/unroll/checkpointed.ts';
import type { MemoryPlan } from '../network/unroll/memoryPlan.ts';
import { StateWatch } from '../network/unroll/stateWatch.ts';
import type { TruncatedWindow } from '../network/unroll/truncated.ts';
import { BatchOrder, longestOf } from './batchOrder.ts';
import { type BatchSource, directBatches } from './batchSource.ts';
import { checkLooks } from './checkLooks.ts';
import { checkSkips } from './checkSkips.ts';
import { checkTraining } from './checkTraining.ts';
import type { AutoClip } from './clip/auto.ts';
import { type Binding, type Clip, unbound } from './clip/clip.ts';
import { clipOf } from './clip/clips.ts';
import type { Failure, TrainingEvent } from './events.ts';
import { Guard, type Judgement } from './guard/guard.ts';
import { restoreSnapshot, Snapshots } from './guard/snapshots.ts';
import type { Memory } from './memory.ts';
import { type Omega, omegaOf } from './omega.ts';
import type { TrainingOptions } from './options.ts';
import { rounded, roundedGrowth } from './rounded.ts';
import type { Schedule } from './schedule/schedule.ts';
import { scheduleOf } from './schedule/schedules.ts';
import { planTraining } from './trainingMemory.ts';
import { nonFiniteName, Updater } from './updater.ts';
import { zeroNonFinite } from './zeroNonFinite.ts';

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
  /** How often and how hard the clip bound. Absent, like what follows, where it was not recorded. */
  readonly clip?: Binding;
  /** ‖g_p‖₂ of each parameter before clipping, by name. */
  readonly parameters?: Readonly<Record<string, number>>;
  /** Ω of the batch, where it is part of what is minimised. */
  readonly omega?: number;
  /** The gradient on its way back through time; null where it was nowhere finite and above 0. */
  readonly throughTime?: NormGrowth | null;
}

/** Where a training stands, apart from its arrays: enough, with them, to go on to the same bits. */
export interface TrainerCursor {
  readonly update: number;
  /** Updates that changed the weights; the optimizer's step. */
  readonly applied: number;
  readonly epoch: number;
  readonly batch: number;
  readonly window: number;
  /** By which rollbacks have multiplied the learning rate, if there were any. */
  readonly rate?: number;
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
  readonly guard: Guard;
  /** The last good moments. */
  readonly snapshots = new Snapshots();
  /** What later updates depend on, beside weights, optimizer and cursor. */
  readonly memories: readonly Memory[];
  /** Told of a pass that is not finite, while everything is still as it was in that pass. */
  failed?: (failure: Failure) => void;
  readonly #through: Checkpointed;
  readonly #order: BatchOrder;
  readonly #batches: BatchSource;
  readonly #clip: Clip;
  readonly #watch: StateWatch;
  readonly #omega: Omega | undefined;
  readonly #gradientNorm: GradientNorm;
  #events: TrainingEvent[] = [];
  #halted = false;
  #rate = 1;
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
    checkSkips(network, options, this.#longest);
    checkLooks(network, options);
    const planned = given.plan ?? planTraining(network, dataset, options).pass;
    this.#through = new Checkpointed(network, dataset.target, planned, options.bptt !== 'full');
    this.#order = new BatchOrder(dataset, options);
    this.#batches = given.batches ?? directBatches(dataset);
    this.#clip = clipOf(options.clip);
    this.#watch = new StateWatch(backend, network.L, planned.B, this.#clip.recurrent ?? null, options.omega ? planned.T : 0);
    this.#omega = omegaOf(options, network, this.#watch, planned);
    this.#gradientNorm = new GradientNorm(network.parameters.list.length);
    this.guard = new Guard(options.guard);
    this.memories = [this.guard, ...(this.#clip.memory ? [this.#clip.memory] : [])];
    this.#schedule = scheduleOf(options.schedule, options.updates);
    this.updater = new Updater(network.parameters, backend, options, network.bounded);
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
    return this.#halted || this.#update >= this.options.updates;
  }

  /** Whether the guard has ended the training. */
  get halted(): boolean {
    return this.#halted;
  }

  /** Where `clip` is "auto": whether the gradient has begun to explode, and a threshold has to be chosen before the next step. */
  get waiting(): boolean {
    return this.#auto?.waiting ?? false;
  }

  /** The threshold that was chosen; null where `clip` is not "auto", or none has been needed so far. */
  get chosen(): number | null {
    return this.#auto?.threshold ?? null;
  }

  /** Goes back to the last good moment, and on from there with this threshold of the global norm; null: without any, as before. */
  choose(threshold: number | null, because: string): void {
    const { update } = this;
    const snapshot = this.snapshots.before(update);
    if (!this.#auto || !snapshot) throw new ThroughtimeError('OPTION_INVALID', 'a threshold is chosen once, where `waiting` says so');
    this.#takeBack();
    this.#auto.choose(threshold);
    this.#events.push({
      update,
      kind: 'clip',
      action: 'clipChosen',
      because,
      ...(threshold === null ? {} : { threshold }),
      to: snapshot.cursor.update,
    });
  }

  /** What has happened since the last call that somebody should know. */
  takeEvents(): TrainingEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
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
    if (this.waiting) {
      throw new ThroughtimeError(
        'OPTION_INVALID',
        'the clip "auto" waits for a threshold; call chooseThreshold(trainer) where `waiting` is true',
      );
    }
    if (this.done) {
      throw new ThroughtimeError('OPTION_INVALID', `all ${this.options.updates} updates are made; look at \`done\` before each step`);
    }
    const began = performance.now();
    this.#zeroed = null;
    this.snapshots.consider(this, this.guard.lastExplosion);
    this.#watch.reset();
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
    const place = { update: this.#update, applied: this.#applied, ...this.#order.place };
    return this.#rate === 1 ? place : { ...place, rate: this.#rate };
  }

  /** The states that are carried into the next window, [history, B, H] per layer and state; empty at the beginning of a sequence. */
  carried(): { name: string; values: Reals }[] {
    const size = this.#order.place.window > 0 ? this.#order.sequences.length * this.network.H : 0;
    return this.#through.unrolled.layers.flatMap(({ states, history }, layer) =>
      states.map((state, index) => ({
        name: `carried.${this.network.cell.states[index]}_l${layer}`,
        values: state.subarray(0, history * size),
      })),
    );
  }

  /** Takes up a training where another stood. The network's parameters and the optimizer's slots are restored by the caller. */
  restore(cursor: TrainerCursor, carried: (name: string) => ArrayLike<number>): void {
    this.#update = cursor.update;
    this.#applied = cursor.applied;
    this.#order.place = cursor;
    this.#rate = cursor.rate ?? 1;
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
    this.#sequences = sequences.length;
    const { begin, end, countFrom } = window;
    const whole = this.#through.plan.segments === 1;
    this.#omega?.begin();
    const loss = this.#through.run({
      T: end - begin,
      B: sequences.length,
      copy: (from, to, batch) => {
        if (whole) this.#batches.fill(order, batch);
        else this.dataset.copy({ sequences, begin: begin + from, end: begin + to, countFrom }, batch);
      },
      loss: this.loss,
      dropout: this.#dropoutSeed,
      carry: next && next.begin - begin,
      watch: this.#watch,
      passed: this.#omega?.passed,
      finished: (loss) => {
        const { parameters, backend } = this.network;
        this.#lossValue = loss;
        this.#omegaValue = this.#omega?.finish(this.#update + 1) ?? 0;
        this.#norms = this.#gradientNorm.measure(backend, parameters.gradient, parameters.list);
        // A pass of several segments is no longer all there; what is not finite is then named by its parameter alone.
        if (whole && !Number.isFinite(loss + this.#norms.total)) this.#locate(sequences, window);
      },
    });
    order.advance();
    if (next) this.#zeroed = zeroNonFinite(this.network, this.carried(), order.sequences.length) ?? this.#zeroed;
    return loss !== undefined;
  }

  #omegaValue = 0;
  #sequences = 1;
  #lossValue = Number.NaN;
  #norms: GradientNorms = { total: Number.NaN, parameters: new Float64Array(0) };
  #located: Pick<TrainingEvent, 'located' | 'dataset'> = {};
  /** What of the carried state was set to 0 in the passes of this update; null if nothing was. */
  #zeroed: string | null = null;

  /** Says where the pass at hand stopped being finite, and shows it to whoever wants to keep it. */
  #locate(sequences: Int32Array, { begin }: TruncatedWindow): void {
    const { unrolled, batch } = this.#through;
    const dropout = this.#dropoutSeed;
    const located = locateNonFinite(unrolled, batch, this.loss, { dropout, watch: this.#watch });
    if (!located) return;
    const { step, sequence } = located;
    const dataset = step === null || sequence === null ? undefined : { sequence: sequences[sequence], step: begin + step };
    this.#located = { located, dataset };
    const update = this.#update + 1;
    this.failed?.({ update, located, dataset, batch, unrolled, loss: this.loss.name, dropoutSeed: dropout ?? null });
  }

  /** Of the dropout masks of the update at hand. */
  get #dropoutSeed(): number | undefined {
    return this.network.dropout > 0 ? seedFor(this.options.seed, 'dropout', this.#update) : undefined;
  }

  /** Clips the gradient that the pass left, and applies it if everything is finite and the guard lets it. */
  #finish(): Omit<UpdateRecord, 'seconds'> {
    const { parameters, backend } = this.network;
    const { gradient, length, list } = parameters;
    const loss = this.#lossValue;
    this.#update++;
    const learningRate = this.options.learningRate * this.#schedule(this.#update) * this.#rate;
    const norm = this.#norms.total;
    let clippedNorm = norm;
    let clip = this.#clip.recurrent ? this.#watch.bound : unbound;
    const named = [nonFiniteName(loss, norm, parameters, backend), this.#zeroed].filter((each) => each !== null);
    let nonFinite = named.length > 0 ? named.join('; ') : null;
    if (nonFinite === null && !this.#clip.recurrent) {
      clip = this.#clip({ backend, gradient, length, norm, parts: list });
      if (clip.share > 0) clippedNorm = Math.sqrt(backend.sumSquares(gradient, 0, length));
    }
    const growth = normGrowth(this.#watch);
    const throughTime = Number.isNaN(growth.oldest) ? null : growth;
    const decrease = this.updater.decreaseOf(learningRate, clippedNorm);
    const firstDecrease = this.updater.firstDecreaseOf(learningRate, this.#applied + 1);
    const readoutDecrease = this.updater.readoutDecreaseOf(learningRate);
    const sequences = this.#sequences;
    const look = { loss, gradientNorm: norm, nonFinite, decrease, readoutDecrease, firstDecrease, growth: throughTime, sequences };
    let judgement = this.guard.judge(this.#update, look);
    if (this.#auto?.wants(judgement.sign)) judgement = { ...judgement, action: 'skip' };
    if (nonFinite === null && judgement.action === 'apply') {
      nonFinite = this.updater.apply(learningRate, clippedNorm, this.#applied + 1);
      if (nonFinite === null) {
        this.#applied++;
        this.network.changed();
      } else judgement = this.guard.refused(this.#update, nonFinite);
    }
    this.#act(judgement);
    const norms = Object.fromEntries(list.map(({ name }, index) => [name, rounded(this.#norms.parameters[index])]));
    const record = { update: this.#update, loss, gradientNorm: norm, clippedNorm, learningRate, nonFinite };
    const omega = this.#omega ? { omega: rounded(this.#omegaValue) } : {};
    return { ...record, clip, ...omega, parameters: norms, throughTime: throughTime && roundedGrowth(throughTime) };
  }

  /** Does what the guard decided, and notes it. */
  #act({ sign, action, news }: Judgement): void {
    const located = this.#located;
    this.#located = {};
    if (!sign || !news) return;
    const { kind, because } = sign;
    const update = this.#update;
    const event = { update, kind, because, ...located };
    if (action === 'rollback') {
      const to = this.#takeBack();
      this.#rate *= this.guard.factor;
      this.#events.push({ ...event, action: 'rolledBack', to, rate: this.#rate });
      return;
    }
    if (action === 'stop') this.#halted = true;
    this.#events.push({ ...event, action: ({ apply: 'warned', skip: 'skipped', stop: 'stopped' } as const)[action] });
  }

  /** Back to the last good moment, only that updates go on being counted. Returns which it was. */
  #takeBack(): number {
    const { update, guard } = this;
    const snapshot = this.snapshots.before(update);
    if (!snapshot) throw new Error('there is no snapshot before the first update');
    const { rollbacks } = guard;
    const rate = this.#rate;
    restoreSnapshot(this, snapshot);
    guard.rollbacks = rollbacks;
    this.#rate = rate;
    this.#update = update;
    return snapshot.cursor.update;
  }

  get #auto(): AutoClip | null {
    return this.options.clip === 'auto' ? (this.#clip as AutoClip) : null;
  }
}
