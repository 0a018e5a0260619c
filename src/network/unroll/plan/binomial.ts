import type { Plan } from './plan.ts';

/**
 * The schedule that goes back through most segments with few states kept and few of them run again (Griewank & Walther 2000,
 * "Algorithm 799: revolve", ACM Transactions on Mathematical Software 26(1)). With c slots, the first of which
 * keeps the beginning, and no segment advanced more than r times, it goes back through β(c, r) = C(c + r, c) segments; no
 * schedule goes through more. m segments, of which r is the least with m <= β(c, r), cost r m - β(c + 1, r - 1) advances.
 */
export const binomial: Plan = {
  name: 'binomial',

  advanced(segments, slots) {
    if (segments === 1) return 0;
    if (slots < 1) return Infinity;
    const r = repetitions(segments, slots);
    return r * segments - reach(slots + 1, r - 1);
  },

  *actions(segments, slots) {
    /** What is left for later: segments [begin, end), the state before them in the slot. */
    const waiting: { begin: number; end: number; slot: number }[] = [];
    let [begin, end, slot] = [0, segments, 0];
    if (segments > 1) yield { kind: 'store', segment: 0, slot: 0 };
    for (;;) {
      while (end - begin > 1) {
        const middle = begin + firstPart(end - begin, slots - slot);
        yield { kind: 'advance', segment: begin, until: middle };
        waiting.push({ begin, end: middle, slot });
        begin = middle;
        slot++;
        if (end - begin > 1) yield { kind: 'store', segment: begin, slot };
      }
      yield { kind: 'backward', segment: begin };
      const next = waiting.pop();
      if (!next) return;
      ({ begin, end, slot } = next);
      yield { kind: 'restore', segment: begin, slot };
    }
  },
};

/** β(c, r) = C(c + r, c): segments that c slots and r repetitions reach. */
function reach(slots: number, repetitions: number): number {
  if (repetitions < 0) return 0;
  const fewer = Math.min(slots, repetitions);
  const more = Math.max(slots, repetitions);
  let product = 1;
  // Each intermediate value is a binomial coefficient, so that the division leaves no remainder.
  for (let i = 1; i <= fewer; i++) product = (product * (more + i)) / i;
  return product;
}

/** The least r that reaches all segments. */
function repetitions(segments: number, slots: number): number {
  let r = 0;
  while (reach(slots, r) < segments) r++;
  return r;
}

/** How many of the segments come before the next state that is kept: the most that leave both parts within their best reach. */
function firstPart(segments: number, slots: number): number {
  const r = repetitions(segments, slots);
  return Math.min(reach(slots, r - 1), segments - reach(slots - 1, r - 1));
}
