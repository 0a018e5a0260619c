import type { Plan } from './plan.ts';

/**
 * The state before every segment but the last is kept, so that each is run forward twice and no more (Chen, Xu, Zhang & Guestrin
 * 2016, "Training deep nets with sublinear memory cost", arXiv 1604.06174, section 4.2). Memory is least, and grows with the square root of the
 * steps, where the states kept take as much as the segment that is held.
 */
export const squareRoot: Plan = {
  name: 'squareRoot',

  advanced: (segments, slots) => (slots >= segments - 1 ? segments - 1 : Infinity),

  *actions(segments) {
    const last = segments - 1;
    for (let segment = 0; segment < last; segment++) {
      yield { kind: 'store', segment, slot: segment };
      yield { kind: 'advance', segment, until: segment + 1 };
    }
    yield { kind: 'backward', segment: last };
    for (let segment = last - 1; segment >= 0; segment--) {
      yield { kind: 'restore', segment, slot: segment };
      yield { kind: 'backward', segment };
    }
  },
};
