/** What a connection through time does. */
export type SkipKind = 'add' | 'weighted' | 'dilated';

/** The `skip` entry of a model: the kind, and either the lags of every layer or those of each layer. */
export interface SkipOptions {
  readonly kind: SkipKind;
  /** Steps back, the same in every layer; of `add` and `weighted` also several at once. */
  readonly lag?: number | readonly number[];
  /** The same layer by layer, from the first on: the dilated stack 1, 2, 4, ... */
  readonly perLayer?: readonly (number | readonly number[])[];
}

/** By which ways a step of one layer reads the past. */
export interface Ways {
  /** The cell reads s_{t - recurrentLag}: 1, but for dilated layers. */
  readonly recurrentLag: number;
  /** Lags of the ways around the cell's own, each from h_{t - lag}; ascending. */
  readonly shortcuts: readonly number[];
  /** What is on these ways: nothing, so that they end in h_t; or a matrix each, so that they end in the pre-activations. */
  readonly through: 'identity' | 'matrix';
}

/**
 * A skip connection through time: an equation for one step of one layer, said as the ways by which the step reads the past. What is carried
 * on these ways, forward and back, is the business of `unroll/shortcuts.ts` and `unroll/recurrentLayer.ts`.
 */
export interface Skip {
  readonly kind: SkipKind;
  /** Whether a layer may have several lags at once. */
  readonly several: boolean;
  /** Why a lag of 1 in every layer is no skip connection; undefined where it is one. */
  readonly lagOne?: string;
  ways(lags: readonly number[]): Ways;
}

/** The ways of a layer without skip connections. */
export const plainWays: Ways = { recurrentLag: 1, shortcuts: [], through: 'identity' };

/** Steps before the first one whose states a layer with these ways reads. */
export const historyOf = ({ recurrentLag, shortcuts }: Ways): number => Math.max(recurrentLag, ...shortcuts);
