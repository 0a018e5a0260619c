import type { Backend, Reals, UpdateKernel } from '../compute/backend.ts';
import { ThroughtimeError } from '../errors.ts';
import { orthogonalDefaults } from '../network/orthogonal/orthogonals.ts';
import type { Parameters } from '../network/parameters.ts';
import type { Optimizer } from './optimizer/optimizer.ts';
import { optimizers } from './optimizer/optimizers.ts';
import type { TrainingOptions } from './options.ts';

/** A gradient's norm times the learning rate below this cannot bring an optimizer's arithmetic out of the range of float32. */
const harmless = 1e12;
/** The same where a step turns matrices, for which an angle of many rounds is as bad. */
const harmlessTurn = 1e3;

/**
 * Where the options of the optimizers may lie: outside, weights grow without end, or 0 is divided by 0. A float32 backend
 * takes the square of a gradient below 2^-55 for 0, so that epsilon has to be larger than that gradient.
 */
const ranges: Readonly<Record<string, { within: (value: number) => boolean; is: string }>> = {
  momentum: { within: (value) => value >= 0 && value < 1, is: 'from 0 to below 1' },
  decay: { within: (value) => value >= 0 && value < 1, is: 'from 0 to below 1' },
  beta1: { within: (value) => value >= 0 && value < 1, is: 'from 0 to below 1' },
  beta2: { within: (value) => value >= 0 && value < 1, is: 'from 0 to below 1' },
  epsilon: { within: (value) => value >= 1e-16 && value < Infinity, is: 'from 1e-16' },
  weightDecay: { within: (value) => value >= 0 && value < Infinity, is: 'from 0' },
};

/** Applies an optimizer to a network's parameters, and never leaves a weight that is not finite. */
export class Updater {
  /** The optimizer's carried arrays, by name. */
  readonly slots: readonly { readonly name: string; readonly values: Reals }[];
  readonly optimizer: Optimizer;
  readonly #parameters: Parameters;
  readonly #backend: Backend;
  readonly #update: UpdateKernel<Record<string, number>>;
  readonly #arrays: readonly Reals[];
  /** Everything that an update writes: the parameters, then the slots. */
  readonly #written: readonly Reals[];
  readonly #options: Record<string, number>;
  /** The parts of the arrays that belong to the read-out. */
  readonly #readout: { readonly gradient: Reals; readonly slots: readonly Reals[]; readonly length: number } | null;
  /** The learning rate of the orthogonal blocks over that of everything else. */
  readonly #turn: number;

  /** @param bounded whether nothing that the read-out reads can grow (`Network.bounded`). */
  constructor(parameters: Parameters, backend: Backend, training: TrainingOptions, bounded = false) {
    const optimizer = optimizers[training.optimizer];
    this.optimizer = optimizer;
    this.#parameters = parameters;
    this.#backend = backend;
    this.#update = (backend.fused.updates[optimizer.name] as UpdateKernel<Record<string, number>> | undefined) ?? optimizer.update;
    this.slots = optimizer.slots.map((name) => ({ name, values: backend.allocate(parameters.length) }));
    this.#arrays = this.slots.map(({ values }) => values);
    this.#written = [parameters.values, ...this.#arrays];
    const { at } = bounded ? parameters.get('readout.weight') : { at: parameters.length };
    const part = (array: Reals) => array.subarray(at, parameters.length);
    this.#readout = bounded ? { gradient: part(parameters.gradient), slots: this.#arrays.map(part), length: parameters.length - at } : null;
    const own = parameters.orthogonal?.learningRate;
    this.#turn = own === undefined ? orthogonalDefaults.share : own / training.learningRate;
    this.#options = { ...optimizer.defaults, learningRate: 0, step: 0 };
    for (const name of Object.keys(optimizer.defaults)) {
      const given = training[name as keyof TrainingOptions];
      if (typeof given === 'number') this.#options[name] = given;
      requireWithin(name, this.#options[name]);
    }
    const decay = training.learningRate * (this.#options.weightDecay ?? 0);
    if (decay > 1) {
      const sentence = `learningRate times weightDecay is at most 1, got ${decay}: each update takes that share of a weight away`;
      throw new ThroughtimeError('OPTION_INVALID', sentence, { field: 'training.weightDecay' });
    }
  }

  /**
   * What the step at hand takes from the loss to first order, gᵀΔ, where the step grows with the gradient: `sgd` and `momentum`. Null for
   * others, and where a part of the step is along a sphere.
   */
  decreaseOf(learningRate: number, norm: number): number | null {
    if (!this.#growing || this.#parameters.orthogonal) return null;
    return this.optimizer.decrease ? this.#decrease(learningRate, 1) : learningRate * norm * norm;
  }

  /**
   * The part of it that the read-out's weights take, where nothing that they read can grow: whatever the other weights become, a loss is wrecked
   * by way of these. Null where it can, and where the whole is null.
   */
  readoutDecreaseOf(learningRate: number): number | null {
    if (!this.#readout || !this.#growing || this.#parameters.orthogonal) return null;
    const { gradient, slots, length } = this.#readout;
    if (!this.optimizer.decrease) return learningRate * this.#backend.sumSquares(gradient, 0, length);
    this.#options.learningRate = learningRate;
    return this.optimizer.decrease(gradient, slots, length, this.#options);
  }

  /**
   * The same of the first step, for optimizers that set the length of their steps themselves and have no history yet. Null at later steps,
   * for other optimizers, and where a part of the step is along a sphere.
   */
  firstDecreaseOf(learningRate: number, step: number): number | null {
    if (this.#growing || step !== 1 || this.#parameters.orthogonal) return null;
    return this.#decrease(learningRate, step);
  }

  /** Whether the optimizer's steps grow with the gradient. */
  get #growing(): boolean {
    return this.optimizer.name === 'sgd' || this.optimizer.name === 'momentum';
  }

  #decrease(learningRate: number, step: number): number | null {
    const { gradient, length } = this.#parameters;
    this.#options.learningRate = learningRate;
    this.#options.step = step;
    return this.optimizer.decrease?.(gradient, this.#arrays, length, this.#options) ?? null;
  }

  /**
   * One update from `parameters.gradient`, whose norm is given.
   *
   * @returns null, or the name of what would not have been finite; nothing is changed then.
   */
  apply(learningRate: number, norm: number, step: number): string | null {
    const { values, gradient, length, orthogonal } = this.#parameters;
    this.#options.learningRate = learningRate;
    this.#options.step = step;
    const arrays = this.#written;
    const bound = orthogonal ? harmlessTurn / Math.max(1, this.#turn) : harmless;
    const kept = Math.max(1, norm) * Math.max(1, learningRate) < bound ? undefined : arrays.map((array) => array.slice());
    orthogonal?.begin();
    this.#update(values, gradient, this.#arrays, length, this.#options);
    const turned = orthogonal?.finish(this.#turn) ?? null;
    if (turned !== null) {
      for (const [i, copy] of (kept ?? []).entries()) arrays[i].set(copy);
      return `update of ${turned}`;
    }
    if (!kept) return null;
    const names = ['update', ...this.slots.map(({ name }) => `optimizer ${name}`)];
    for (const [index, array] of arrays.entries()) {
      const found = this.#backend.firstNonFinite(array, 0, length);
      if (found < 0) continue;
      for (const [i, copy] of kept.entries()) arrays[i].set(copy);
      return `${names[index]} of ${this.#parameters.owner(found).name}`;
    }
    return null;
  }
}

function requireWithin(name: string, value: number): void {
  const range = ranges[name];
  if (range.within(value)) return;
  throw new ThroughtimeError('OPTION_INVALID', `${name} is a number ${range.is}, got ${value}`, { field: `training.${name}` });
}

/** Names what is not finite in a pass: the loss, or the first parameter whose gradient is not; null if all is finite. */
export function nonFiniteName(loss: number, norm: number, parameters: Parameters, backend: Backend): string | null {
  if (Number.isFinite(loss) && Number.isFinite(norm)) return null;
  const found = backend.firstNonFinite(parameters.gradient, 0, parameters.length);
  if (found >= 0) return `gradient of ${parameters.owner(found).name}`;
  return Number.isFinite(loss) ? 'norm of the gradient' : 'loss';
}
