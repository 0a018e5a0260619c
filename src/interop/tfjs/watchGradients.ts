import { type Optimizer, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { Callback, type LayersModel } from '@tensorflow/tfjs-layers';
import { ThroughtimeError } from '../../errors.ts';
import type { ClipOption } from '../../training/clip/clip.ts';
import { makeClip, makeNormMonitor } from '../../training/clip/typedArrays.ts';
import { ExplosionDetector, type Sign } from '../../training/guard/detector.ts';

/** What is done with the gradients of an optimizer. */
export interface WatchOptions {
  /** As an experiment has it: `{ globalNorm }`, `{ value }`, `{ parameterNorm }`, `{ percentile }`, or `none`, the default. */
  readonly clip?: ClipOption;
  /**
   * What is done about an explosion. `warn`, the default: it is told to `onUpdate`. `skip`: the update is left out. `stop`: it is left out,
   * and so are all further ones; `model.fit` ends where it was given the `callback`. What is not finite is left out whatever is chosen.
   */
  readonly guard?: 'warn' | 'skip' | 'stop';
  /** Is told of every update, before it is applied. */
  readonly onUpdate?: (update: WatchedUpdate) => void;
}

/** What is known of one update. */
export interface WatchedUpdate {
  /** From 1. */
  readonly update: number;
  /** null where the optimizer was given gradients without a loss. */
  readonly loss: number | null;
  /** ‖g‖₂ over all variables, before and after clipping, summed in float64. */
  readonly gradientNorm: number;
  readonly clippedNorm: number;
  /** ‖g_p‖₂ before clipping, by the name of the variable. */
  readonly variables: Readonly<Record<string, number>>;
  /** Of the newest 1000 finite norms. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** What the explosion detector says. */
  readonly sign: Sign | null;
  /** Whether it was left out. */
  readonly skipped: boolean;
}

/** An optimizer that is watched. */
export interface GradientWatch {
  /** How many updates there were, those left out included, and how many were left out. */
  readonly updates: number;
  readonly skipped: number;
  /** The newest update; null before the first. */
  readonly last: WatchedUpdate | null;
  /** Whether the guard `stop` has seen an explosion. */
  readonly stopped: boolean;
  /**
   * For `model.fit(x, y, { callbacks: watch.callback })`: ends the training where the guard says so, and adds to the logs of each epoch, and so to
   * the history, `gradientNorm` (the mean of its finite norms before clipping), `gradientNormMax` and `explosions` (updates with a sign of one).
   */
  readonly callback: Callback;
  /** Gives the optimizer back as it was. */
  release(): void;
}

type Gradients = Parameters<Optimizer['applyGradients']>[0];

/**
 * Watches every update that a TensorFlow.js optimizer makes, in `model.fit` as in a loop of one's own, and bounds its gradient. The
 * gradients are read with `dataSync`, which on a GPU waits for it.
 *
 * @param optimizer is changed: `applyGradients` and `computeGradients` become those of the watch, until `release`.
 * @throws OPTION_INVALID for a clip that only another place can do.
 */
export function watchGradients(optimizer: Optimizer, options: WatchOptions = {}): GradientWatch {
  const { clip: option = 'none', guard = 'warn', onUpdate } = options;
  if (typeof option === 'object' && ('recurrentNorm' in option || 'recurrentValue' in option)) {
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `the clip ${JSON.stringify(option)} is inside the backward pass; call clipRecurrentPath(model, ...)`,
    );
  }
  const guards = ['warn', 'skip', 'stop'];
  if (!guards.includes(guard))
    throw new ThroughtimeError('OPTION_INVALID', `the guard is one of ${guards.join(', ')}, got ${String(guard)}`);
  const clip = makeClip(option);
  const monitor = makeNormMonitor();
  const detector = new ExplosionDetector();
  const { computeGradients, applyGradients } = optimizer;
  let loss: number | null = null;
  const watch = { updates: 0, skipped: 0, last: null as WatchedUpdate | null, stopped: false };
  const epoch = new Epoch();

  optimizer.computeGradients = function (f, variables) {
    const computed = computeGradients.call(this, f, variables);
    loss = computed.value.dataSync()[0];
    return computed;
  };
  optimizer.applyGradients = function (given: Gradients) {
    const gradients = namedGradients(given);
    const arrays = gradients.map(({ tensor }) => Float32Array.from(tensor.dataSync()));
    const { p50, p90, p99 } = monitor(arrays);
    const { norm, clippedNorm, parameters, binding } = clip(arrays);
    const look = { loss: loss ?? Number.NaN, gradientNorm: norm, decrease: decreaseOf(this, clippedNorm) };
    // Without a loss there is no curve to judge; a norm that is not finite is a sign by itself.
    const sign = loss !== null ? detector.see(look) : Number.isFinite(norm) ? null : new ExplosionDetector().see({ ...look, loss: 0 });
    if (guard === 'stop' && sign?.exploding) watch.stopped = true;
    const skipped = sign?.kind === 'nonFinite' || (guard === 'skip' && sign?.exploding === true) || watch.stopped;
    watch.updates++;
    if (skipped) watch.skipped++;
    const variables = Object.fromEntries(gradients.map(({ name }, index) => [name, parameters[index]]));
    watch.last = { update: watch.updates, loss, gradientNorm: norm, clippedNorm, variables, p50, p90, p99, sign, skipped };
    loss = null;
    epoch.add(watch.last);
    onUpdate?.(watch.last);
    if (skipped) return;
    if (binding.share === 0) {
      applyGradients.call(this, given);
      return;
    }
    const clipped = gradients.map(({ name, tensor: { shape } }, index) => ({ name, tensor: tensor(arrays[index], shape) }));
    applyGradients.call(this, clipped);
    for (const each of clipped) each.tensor.dispose();
  };

  const callback = new WatchCallback(epoch, () => watch.stopped);
  return {
    get updates() {
      return watch.updates;
    },
    get skipped() {
      return watch.skipped;
    },
    get last() {
      return watch.last;
    },
    get stopped() {
      return watch.stopped;
    },
    callback,
    release() {
      optimizer.computeGradients = computeGradients;
      optimizer.applyGradients = applyGradients;
    },
  };
}

/**
 * Bounds every gradient of an optimizer, such as by its global norm: `clipGradients(tf.train.adam(), { globalNorm: 1 })`.
 *
 * @returns the optimizer itself.
 */
export function clipGradients<O extends Optimizer>(optimizer: O, clip: ClipOption): O {
  watchGradients(optimizer, { clip });
  return optimizer;
}

/** What the updates of one epoch came to. */
class Epoch {
  #finite = 0;
  #sum = 0;
  #largest = 0;
  #explosions = 0;

  add({ gradientNorm, sign }: WatchedUpdate): void {
    if (sign?.exploding) this.#explosions++;
    if (!Number.isFinite(gradientNorm)) return;
    this.#finite++;
    this.#sum += gradientNorm;
    this.#largest = Math.max(this.#largest, gradientNorm);
  }

  /** The numbers, and begins the next one. NaN where no norm was finite. */
  take(): { gradientNorm: number; gradientNormMax: number; explosions: number } {
    const gradientNorm = this.#sum / this.#finite;
    const taken = { gradientNorm, gradientNormMax: this.#finite > 0 ? this.#largest : Number.NaN, explosions: this.#explosions };
    this.#finite = this.#sum = this.#largest = this.#explosions = 0;
    return taken;
  }
}

class WatchCallback extends Callback {
  readonly #epoch: Epoch;
  readonly #stopped: () => boolean;

  constructor(epoch: Epoch, stopped: () => boolean) {
    super();
    this.#epoch = epoch;
    this.#stopped = stopped;
  }

  override async onEpochBegin(): Promise<void> {
    this.#epoch.take();
  }

  override async onBatchEnd(): Promise<void> {
    if (this.#stopped()) (this.model as LayersModel).stopTraining = true;
  }

  /** The history is the last to read the logs. */
  override async onEpochEnd(_epoch: number, logs: Record<string, unknown> = {}): Promise<void> {
    Object.assign(logs, this.#epoch.take());
  }
}

/** A variable that the loss does not depend on has no gradient. */
function namedGradients(given: Gradients): { name: string; tensor: Tensor }[] {
  const named = Array.isArray(given) ? given : Object.entries(given).map(([name, each]) => ({ name, tensor: each }));
  return named.filter((each) => each.tensor != null);
}

/** As `Updater.decreaseOf`: null for an optimizer whose step does not grow with the gradient. */
function decreaseOf(optimizer: Optimizer, norm: number): number | null {
  const { learningRate, momentum = 0 } = optimizer.getConfig() as { learningRate?: number; momentum?: number };
  const name = optimizer.getClassName();
  if (typeof learningRate !== 'number' || (name !== 'SGD' && name !== 'Momentum')) return null;
  return (learningRate * norm * norm) / (1 - momentum);
}
