import type { Course } from '../examination/course.ts';
import { moreOfIt } from './cures.ts';
import type { Judge, Opinion } from './verdict.ts';
import { inputs, percent, say } from './words.ts';

/** The dependence is there and the gradient reaches it, and yet the loss stays above what the data allow. */
export const hardTask: Judge = {
  kind: 'hard-task',
  judge(
    { subject, data, loss, gradient, course },
    { short, cut, share, reached, beyondReach, beyondWindow, window, margin },
  ): Opinion | null {
    if (!short) return null;
    const missed =
      (beyondReach.material && !beyondReach.drawn) || (Number.isFinite(window) && beyondWindow.material && !beyondWindow.drawn);
    if (missed) return null;
    const weak = margin < 0;
    const falling = course !== null && isFalling(course);
    const still = course !== null && course.loss.last > 0.97 * course.loss.first;
    const fits =
      course !== null && loss.model !== null && course.loss.last < 0.5 * loss.model
        ? `; on the training part it is ${say(course.loss.last)}, so that it learns by heart what does not hold for others`
        : '';
    return {
      decisive: !cut && gradient !== null,
      finding: {
        kind: 'hard-task',
        because:
          `The gradient ${weak ? 'arrives at' : 'reaches'} the ${data.horizon === 1 ? 'newest input' : `newest ${inputs(data.horizon)}`} that the data depend on${weak ? ', at the oldest within the noise of so many updates, as elsewhere' : ''}, and yet the network has learned ` +
          `${percent(Math.max(0, share))} of what they allow: its loss is ${say(loss.model)}, that of a constant ${say(loss.constant)}, and ` +
          `the reference gets to ${say(data.reference.loss)}${fits}${falling ? '; it was still falling' : ''}.`,
        evidence: {
          gradientHorizon: gradient?.horizon ?? null,
          reachedInputs: reached,
          dataHorizon: data.horizon,
          learnedShare: share,
          loss: loss.model,
          constant: loss.constant,
          reference: data.reference.loss,
        },
        prescription: moreOfIt(subject, { falling, still, weak }),
      },
    };
  },
};

/** Whether the level of the last tenth is the lowest, and clearly below that of the first. */
function isFalling({ loss, updates }: Course): boolean {
  return loss.at >= 0.95 * updates && loss.last < 0.9 * loss.first;
}
