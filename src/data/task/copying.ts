import { wholeOption } from '../options.ts';
import type { CopyingOptions, TaskMethod } from './task.ts';

/**
 * Copying: `memory` symbols (M of them, default 10), each uniform among `symbols` (K, default 8), then length - 1 blanks, a
 * delimiter and M blanks, so length + 2M steps in all. The target is blank up to the delimiter and there too, then the M symbols in their
 * order. Inputs: symbols 0 to K - 1, blank K, delimiter K + 1. Classes: 0 to K - 1 and blank K. Every step counts.
 *
 * Source: Hochreiter & Schmidhuber 1997; in this form Arjovsky, Shah & Bengio 2016, "Unitary evolution recurrent neural
 * networks".
 *
 * Without any memory of the symbols, the best predictor says blank where it is due and K equal chances at the last M
 * steps: M ln K / (length + 2M) nats per step (the baseline `memoryless`). The best constant does worse: with the share of blanks
 * p = (length + M) / (length + 2M), it has -p ln p - (1 - p) ln((1 - p) / K).
 * Data horizon: length + M + 1, because every symbol is asked for length + M steps after it was read.
 */
export const copying: TaskMethod = {
  name: 'copying',
  fields: ['symbols', 'memory'],
  prepare(options) {
    const { symbols, memory } = options as CopyingOptions;
    const K = wholeOption('symbols', symbols, 8, 2, 2 ** 20);
    const M = wholeOption('memory', memory, 10, 1);
    const blank = K;
    const delimiter = K + 1;
    return {
      input: { kind: 'symbols', size: K + 2 },
      target: { kind: 'classes', size: K + 1 },
      loss: 'crossEntropy',
      leastLength: 1,
      steps: (length) => length + 2 * M,
      draw(length, random, into) {
        const remembered: number[] = [];
        const answerAt = length + M;
        for (let t = 0; t < answerAt + M; t++) {
          if (t < M) remembered.push(random.below(K));
          into.symbols.push(t < M ? remembered[t] : t === answerAt - 1 ? delimiter : blank);
          into.targetSteps.push(t);
          into.classes.push(t < answerAt ? blank : remembered[t - answerAt]);
        }
      },
      horizon: (length) => length + M + 1,
      naive: { name: 'memoryless', lossPerSequence: M * Math.log(K) },
    };
  },
};
