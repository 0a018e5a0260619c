import { adam } from './adam.ts';
import type { Optimizer } from './optimizer.ts';

/**
 * Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101, algorithm 2, in PyTorch's form):
 * p *= 1 - learningRate * weightDecay, then an Adam update.
 */
export const adamw: Optimizer<{ learningRate: number; beta1: number; beta2: number; epsilon: number; weightDecay: number; step: number }> =
  {
    name: 'adamw',
    slots: adam.slots,
    defaults: { ...adam.defaults, weightDecay: 0.01 },
    update(p, g, slots, length, options) {
      const kept = 1 - options.learningRate * options.weightDecay;
      for (let i = 0; i < length; i++) p[i] *= kept;
      adam.update(p, g, slots, length, options);
    },
    decrease: adam.decrease,
  };
