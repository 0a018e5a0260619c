import type { Backend, Reals } from '../../compute/backend.ts';

/** What a clip gets to see: the flat gradient, and its norm before any clipping. */
export interface GradientView {
  readonly backend: Backend;
  readonly gradient: Reals;
  readonly length: number;
  /** ‖g‖₂ over all parameters, summed in float64. */
  readonly norm: number;
}

/** Bounds a gradient in place. Returns whether it changed anything. */
export type Clip = (view: GradientView) => boolean;

/** The `clip` entry of an experiment. */
export type ClipOption = 'none' | { readonly globalNorm: number } | { readonly value: number };
