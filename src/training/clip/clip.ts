import type { Backend, Reals, StateLimit } from '../../compute/backend.ts';
import type { Memory } from '../memory.ts';

/** What a clip gets to see: the flat gradient, and its norm before any clipping. */
export interface GradientView {
  readonly backend: Backend;
  readonly gradient: Reals;
  readonly length: number;
  /** ‖g‖₂ over all parameters, summed in float64. */
  readonly norm: number;
  /** Where each parameter lies in `gradient`; one that is all of it where nothing is said. */
  readonly parts?: readonly { readonly at: number; readonly length: number }[];
}

/** How often, and how hard, a clip bound in one update. */
export interface Binding {
  /** Share of what it treats one by one (the gradient, parameters, numbers, or dL/ds_t of steps and sequences) that was bounded. */
  readonly share: number;
  /** The smallest factor by which it shrank any of those; 1 where it bounded nothing. */
  readonly factor: number;
}

/** Of a clip that bounded nothing. */
export const unbound: Binding = { share: 0, factor: 1 };

/**
 * Bounds a finite gradient in place after the backward pass. One that acts on the recurrent path does so inside the backward
 * pass, which the limit `recurrent` asks for, and leaves the finished gradient alone.
 */
export interface Clip {
  (view: GradientView): Binding;
  readonly recurrent?: StateLimit;
  /** What earlier gradients left in it. */
  readonly memory?: Memory;
}

/** The `clip` entry of an experiment. */
export type ClipOption =
  | 'none'
  | 'auto'
  | { readonly globalNorm: number }
  | { readonly value: number }
  | { readonly parameterNorm: number }
  | { readonly recurrentNorm: number }
  | { readonly recurrentValue: number }
  | { readonly percentile: number };

/** The keys of the object forms. */
export const clipKeys = ['globalNorm', 'value', 'parameterNorm', 'recurrentNorm', 'recurrentValue', 'percentile'] as const;
