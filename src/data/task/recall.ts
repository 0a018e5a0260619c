import { wholeOption, wordOption } from '../options.ts';
import type { RecallOptions, TaskMethod } from './task.ts';

/**
 * Recall: every step shows one of `symbols` (K, default 8) symbols, uniform and independent. The class at step t is the symbol
 * of step t - lag: at the last step alone (`read: "last"`), or at every step t >= lag (`read: "every"`). With lag 0 nothing has to be
 * remembered.
 *
 * Source: the delayed recall of Jaeger 2002, "Short term memory in echo state networks", with symbols in place of real numbers.
 *
 * The best constant, like any predictor that does not see the step asked for, gives K equal chances: ln K nats. Nothing partial is
 * possible: either the window reaches `lag` steps back and the loss can be 0, or it does not and the loss is ln K.
 * Data horizon: lag + 1.
 */
export const recall: TaskMethod = {
  name: 'recall',
  fields: ['lag', 'symbols', 'read'],
  prepare(options) {
    const { lag: lagOption, symbols, read } = options as RecallOptions;
    const lag = wholeOption('lag', lagOption, undefined, 0);
    const K = wholeOption('symbols', symbols, 8, 2, 2 ** 20);
    const everyStep = wordOption('read', read, 'last', ['last', 'every']) === 'every';
    let shown = new Int32Array(0);
    return {
      input: { kind: 'symbols', size: K },
      target: { kind: 'classes', size: K },
      loss: 'crossEntropy',
      leastLength: lag + 1,
      defaultLength: lag + 1,
      steps: (T) => T,
      draw(T, random, into) {
        if (shown.length < T) shown = new Int32Array(T);
        for (let t = 0; t < T; t++) {
          shown[t] = random.below(K);
          into.symbols.push(shown[t]);
          if (everyStep ? t < lag : t < T - 1) continue;
          into.targetSteps.push(t);
          into.classes.push(shown[t - lag]);
        }
      },
      horizon: () => lag + 1,
    };
  },
};
