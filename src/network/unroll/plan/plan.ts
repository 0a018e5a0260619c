/**
 * How a pass through more steps than fit into memory goes back through all of them: its steps are cut into segments, of which
 * one at a time is held for the way back; the states before some of the others are kept in slots, and what lies between is run
 * forward again. A plan is that order of work, as data, and knows nothing of networks.
 */

/** One piece of work. The state before a segment is at hand when it is stored, advanced or gone back through. */
export type Action =
  /** Keeps the state before the segment in the slot. */
  | { readonly kind: 'store'; readonly segment: number; readonly slot: number }
  /** Takes up the state before the segment, which the slot keeps. */
  | { readonly kind: 'restore'; readonly segment: number; readonly slot: number }
  /** Runs the segments from `segment` up to, not including, `until` forward, for the state after them alone. */
  | { readonly kind: 'advance'; readonly segment: number; readonly until: number }
  /** Runs the segment forward, holding it, and back. */
  | { readonly kind: 'backward'; readonly segment: number };

export interface Plan {
  readonly name: 'squareRoot' | 'binomial';
  /** Segments that are advanced in all, by formula: what is run forward beside the once that plain backpropagation does. Infinity where the slots are too few. */
  advanced(segments: number, slots: number): number;
  /**
   * The work in order, from the state before segment 0: `backward` for every segment, from the last to the first, and no
   * state in a slot from `slots` on.
   */
  actions(segments: number, slots: number): Generator<Action>;
}
