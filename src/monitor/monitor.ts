import type { Network } from '../network/network.ts';
import type { Look } from './look.ts';

/** How much a monitor is given to look at: T steps of B sequences, with at most `probes` probe steps each. */
export interface LookSize {
  readonly network: Network;
  readonly T: number;
  readonly B: number;
  readonly probes: number;
}

/** A multiplication in a plain loop takes the time of so many in a kernel. */
export const plain = 16;

/**
 * A quantity that is measured: numbers with a unit, without a judgement. A monitor changes nothing of the network and draws nothing
 * at random that depends on when it is called, so that a training with monitors has the bits of one without.
 */
export interface Monitor<Value = unknown> {
  /** As on the command line and in `profiles.jsonl`: `lag-profile`. */
  readonly name: string;
  /** What it measures and in which unit, in a few words. */
  readonly measures: string;
  /**
   * Multiplications with additions of one measurement, about, beside those of the forward pass of its look; in those of a kernel, so that
   * one in a plain loop counts as `plain`.
   */
  work(size: LookSize): number;
  /** Bytes of the backend's memory that a measurement takes, beside those of its look; none by default. */
  bytes?(size: LookSize): number;
  /** May use up the look's forward pass, and says so with `look.consume()`. */
  measure(look: Look): Value;
}
