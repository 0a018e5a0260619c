import type { Dataset } from '../data/dataset.ts';
import { allocateBatch, type Batch } from '../network/batch.ts';
import type { Loss } from '../network/loss/loss.ts';
import { losses } from '../network/loss/losses.ts';
import type { Network } from '../network/network.ts';
import { truncatedWindow } from '../network/unroll/truncated.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';
import { longestOf } from './batchOrder.ts';

/** What a loss leaves unsaid, in a unit that people know. */
export interface Metric {
  /** `accuracy` of classes, `rootMeanSquaredError` of numbers, `nllPerStep` (nats, summed over O) of binary ones. */
  readonly name: 'accuracy' | 'rootMeanSquaredError' | 'nllPerStep';
  readonly value: number;
}

/** What a network comes to on a data set. */
export interface Evaluation {
  /** Mean over all counted targets of the data set, or over those of `share` of it. */
  readonly loss: number;
  readonly metric: Metric;
  /** Share of the data set's steps that were run; 1 where the evaluation is complete. */
  readonly share: number;
}

/** A pass over this many steps at a time is long enough to be fast and short enough to be small. */
const longestWindow = 512;
/** Numbers of state in a pass, which bound the time it takes (a fraction of a second). */
const mostStates = 2 ** 20;

/** Steps of the longest window of an evaluation in B sequences at a time. */
export function evaluationSteps({ H, L }: Network, dataset: Dataset, B: number): number {
  return Math.min(longestOf(dataset), longestWindow, Math.max(1, Math.floor(mostStates / (B * H * L))));
}

/**
 * Measures a network on a whole data set without learning from it. It has memory of its own, so that a training that is
 * interrupted by an evaluation goes on to the same bits.
 */
export class Evaluator {
  readonly #network: Network;
  readonly #dataset: Dataset;
  readonly #loss: Loss;
  readonly #unrolled: Unrolled;
  readonly #batch: Batch;
  readonly #T: number;
  readonly #B: number;

  /** @param steps of the longest window; the loss does not depend on it, memory does. */
  constructor(network: Network, dataset: Dataset, batchSize: number, steps?: number) {
    this.#network = network;
    this.#dataset = dataset;
    this.#loss = losses[dataset.loss];
    this.#B = Math.min(batchSize, dataset.count);
    this.#T = Math.min(evaluationSteps(network, dataset, this.#B), steps ?? Infinity);
    this.#unrolled = new Unrolled(network, this.#T, this.#B);
    this.#batch = allocateBatch(network.backend, dataset.input, dataset.target, this.#T, this.#B);
  }

  /** Runs over all sequences in order, the state carried from window to window. */
  evaluate(): Evaluation {
    const pieces = this.pieces();
    for (;;) {
      const { done, value } = pieces.next();
      if (done) return value;
    }
  }

  /**
   * The same in pieces of one window each: whoever asks for the next may do something else in between, or ask no more. Each
   * gives what is known so far, undefined before the first counted target.
   */
  *pieces(): Generator<Evaluation | undefined, Evaluation> {
    const dataset = this.#dataset;
    const batch = this.#batch;
    const windows = { k1: this.#T, k2: this.#T };
    let steps = 0;
    for (let i = 0; i < dataset.count; i++) steps += dataset.length(i);
    let sum = 0;
    let counted = 0;
    let right = 0;
    let run = 0;
    const soFar = (): Evaluation => {
      const loss = sum / counted;
      return { loss, metric: this.#metric(loss, right / counted), share: run / steps };
    };
    for (let first = 0; first < dataset.count; first += this.#B) {
      const sequences = Array.from({ length: Math.min(this.#B, dataset.count - first) }, (_, i) => first + i);
      const lengths = sequences.map((sequence) => dataset.length(sequence));
      const T = Math.max(...lengths);
      this.#unrolled.reset();
      for (let index = 0; ; index++) {
        const window = truncatedWindow(index, T, windows);
        if (!window) break;
        // The windows do not overlap here: each goes on where the one before ended.
        dataset.copy({ sequences, begin: window.countFrom, end: window.end, countFrom: window.countFrom }, batch);
        this.#unrolled.forward(batch);
        if (batch.counted > 0) {
          sum += this.#unrolled.loss(this.#loss) * batch.counted;
          counted += batch.counted;
          if (batch.target.kind === 'classes') right += this.#rightOnes();
        }
        if (window.end < T) this.#unrolled.carry(window.end - window.countFrom);
        for (const length of lengths) run += Math.max(0, Math.min(length, window.end) - window.countFrom);
        yield counted > 0 ? soFar() : undefined;
      }
    }
    return soFar();
  }

  #metric(loss: number, accuracy: number): Metric {
    if (this.#loss.target === 'classes') return { name: 'accuracy', value: accuracy };
    if (this.#loss.name === 'mse') return { name: 'rootMeanSquaredError', value: Math.sqrt(loss) };
    return { name: 'nllPerStep', value: loss * this.#network.O };
  }

  #rightOnes(): number {
    const { outputs } = this.#unrolled.readout;
    const { O } = this.#network;
    const { counted, classes } = this.#batch;
    let right = 0;
    for (let r = 0; r < counted; r++) {
      let best = 0;
      for (let o = 1; o < O; o++) if (outputs[r * O + o] > outputs[r * O + best]) best = o;
      // An output that is not a number is never right.
      if (best === classes[r] && !Number.isNaN(outputs[r * O + best])) right++;
    }
    return right;
  }
}
