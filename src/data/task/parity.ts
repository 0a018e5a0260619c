import { wordOption } from '../options.ts';
import type { ParityOptions, TaskMethod } from './task.ts';

/**
 * Parity: every step shows a bit (symbol 0 or 1), uniform and independent. The class at step t is the parity of the bits of steps 0
 * to t, 1 where an odd number of them is 1: at the last step alone (`read: "last"`), or at every step (`read: "every"`).
 *
 * Source: Bengio & Frasconi 1994, "Credit assignment through time: alternatives to backpropagation"; the classic example of a
 * dependency without any lower-order trace, Minsky & Papert 1969, "Perceptrons".
 *
 * The best constant, like any predictor that misses even one bit, gives two equal chances: ln 2 = 0.693 nats. No pair of steps is
 * correlated with the target; read at every step it is easy to learn, because each answer is the one before, changed by one bit.
 * Data horizon: T.
 */
export const parity: TaskMethod = {
  name: 'parity',
  fields: ['read'],
  prepare(options) {
    const everyStep = wordOption('read', (options as ParityOptions).read, 'last', ['last', 'every']) === 'every';
    return {
      input: { kind: 'symbols', size: 2 },
      target: { kind: 'classes', size: 2 },
      loss: 'crossEntropy',
      leastLength: 1,
      steps: (T) => T,
      draw(T, random, into) {
        let parityOfBits = 0;
        for (let t = 0; t < T; t++) {
          const bit = random.below(2);
          parityOfBits ^= bit;
          into.symbols.push(bit);
          if (!everyStep && t < T - 1) continue;
          into.targetSteps.push(t);
          into.classes.push(parityOfBits);
        }
      },
      horizon: (T) => T,
    };
  },
};
