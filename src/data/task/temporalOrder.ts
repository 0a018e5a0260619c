import type { TaskMethod } from './task.ts';

/**
 * Temporal order: four distractors (symbols 0 to 3, uniform) and two cues, each X (symbol 4) or Y (symbol 5) with equal
 * chances: one at a uniformly drawn step of [0.1 T, 0.2 T), one of [0.5 T, 0.6 T). The class, at the last step, is which cues
 * came in which order: XX 0, XY 1, YX 2, YY 3.
 *
 * Source: Hochreiter & Schmidhuber 1997, experiment 6a; in this form (no markers at the ends, positions in shares of T)
 * Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", section 4.1.
 *
 * The best constant gives four equal chances: ln 4 = 1.386 nats. A predictor that sees only the second cue has ln 2 = 0.693.
 * Data horizon: T - ceil(T / 10), because the first cue comes no earlier than step ceil(T / 10).
 */
export const temporalOrder: TaskMethod = {
  name: 'temporalOrder',
  fields: [],
  prepare: () => ({
    input: { kind: 'symbols', size: 6 },
    target: { kind: 'classes', size: 4 },
    loss: 'crossEntropy',
    leastLength: 10,
    steps: (T) => T,
    draw(T, random, into) {
      const first = wholeNumberIn(T / 10, T / 5, random.uniform());
      const second = wholeNumberIn(T / 2, (3 * T) / 5, random.uniform());
      let cues = 0;
      for (let t = 0; t < T; t++) {
        if (t !== first && t !== second) {
          into.symbols.push(random.below(4));
          continue;
        }
        const cue = random.below(2);
        cues = 2 * cues + cue;
        into.symbols.push(4 + cue);
      }
      into.targetSteps.push(T - 1);
      into.classes.push(cues);
    },
    horizon: (T) => T - Math.ceil(T / 10),
  }),
};

/** One of the whole numbers in [from, past), by a number in [0, 1). */
function wholeNumberIn(from: number, past: number, chance: number): number {
  const least = Math.ceil(from);
  return least + Math.floor(chance * (Math.ceil(past) - least));
}
