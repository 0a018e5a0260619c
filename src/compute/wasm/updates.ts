import type { UpdateKernel } from '../backend.ts';
import type { Kernels } from './kernels.ts';
import type { ThreadedKernels } from './threadedKernels.ts';

export interface SgdOptions {
  learningRate: number;
}

export interface MomentumOptions extends SgdOptions {
  momentum: number;
}

export interface RmspropOptions extends SgdOptions {
  decay: number;
  epsilon: number;
}

export interface AdamOptions extends SgdOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** The number of this update, from 1. */
  step: number;
}

export interface AdamwOptions extends AdamOptions {
  weightDecay: number;
}

/** The fused optimizer updates: what depends on the update's number in float64 here, the rest in assembly/optimizer.ts. */
export function fusedUpdates(kernels: Kernels, shared: ThreadedKernels): Readonly<Record<string, UpdateKernel<never>>> {
  const sgd: UpdateKernel<SgdOptions> = (parameters, gradient, _slots, length, { learningRate }) => {
    kernels.sgd(parameters.byteOffset, gradient.byteOffset, length, learningRate);
  };

  const momentum: UpdateKernel<MomentumOptions> = (parameters, gradient, slots, length, options) => {
    const { learningRate, momentum } = options;
    kernels.momentum(parameters.byteOffset, gradient.byteOffset, slots[0].byteOffset, length, learningRate, momentum);
  };

  const rmsprop: UpdateKernel<RmspropOptions> = (parameters, gradient, slots, length, options) => {
    const { learningRate, decay, epsilon } = options;
    const square = slots[0].byteOffset;
    kernels.rmsprop(parameters.byteOffset, gradient.byteOffset, square, length, learningRate, decay, 1 - decay, epsilon);
  };

  const adam: UpdateKernel<AdamOptions> = (parameters, gradient, slots, length, options) => {
    decayedAdam(shared, parameters.byteOffset, gradient.byteOffset, slots[0].byteOffset, slots[1].byteOffset, length, options, 1);
  };

  const adamw: UpdateKernel<AdamwOptions> = (parameters, gradient, slots, length, options) => {
    const keep = 1 - options.learningRate * options.weightDecay;
    decayedAdam(shared, parameters.byteOffset, gradient.byteOffset, slots[0].byteOffset, slots[1].byteOffset, length, options, keep);
  };

  return { sgd, momentum, rmsprop, adam, adamw };
}

function decayedAdam(
  kernels: ThreadedKernels,
  parameters: number,
  gradient: number,
  mean: number,
  square: number,
  length: number,
  options: AdamOptions,
  keep: number,
): void {
  const { learningRate, beta1, beta2, epsilon, step } = options;
  const rate = learningRate / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  kernels.adam(parameters, gradient, mean, square, length, rate, beta1, 1 - beta1, beta2, 1 - beta2, correction, epsilon, keep);
}
