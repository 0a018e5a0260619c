import type { Course } from '../examination/course.ts';
import { longerReach, moreOfIt } from './cures.ts';
import type { Judge, Opinion } from './verdict.ts';
import { inputs, percent, say, sayNearer } from './words.ts';

/** Of its size at lag 0, what is left of a gradient that arrives and yet has much to gain from a shorter way. */
const faintRatio = 0.03;

/** The dependence is there and the gradient reaches it, and yet the loss stays above what the data allow. */
export const hardTask: Judge = {
  kind: 'hard-task',
  judge(
    { subject, data, loss, gradient, course, look, nearer },
    { short, cut, share, reached, beyondReach, unreached, failsNear, beyondWindow, window, margin, farthest, needed },
  ): Opinion | null {
    if (!short) return null;
    const cutOff = Number.isFinite(window) && beyondWindow.material && !beyondWindow.drawn;
    if (unreached || (cutOff && !failsNear)) return null;
    const unlikely = beyondReach.material && !beyondReach.drawn;
    const weak = margin < 0;
    const lag = farthest.material ? farthest.window : 0;
    // It arrives, but little of it: a shorter way may do more than more of the same.
    const faint = lag > 1 && (look?.lagProfile[Math.min(lag, look.lagProfile.length - 1)]?.ratio ?? 1) < faintRatio;
    const falling = course !== null && isFalling(course);
    const still = course !== null && course.loss.last > 0.97 * course.loss.first;
    const fits =
      course !== null && loss.model !== null && course.loss.last < 0.5 * loss.model
        ? `; on the training part it is ${say(course.loss.last)}, so that it learns by heart what does not hold for others`
        : '';
    const newest = data.horizon === 1 ? 'newest input' : `newest ${inputs(data.horizon)}`;
    const reachedSentence =
      unlikely || cutOff
        ? `The data depend on the ${newest}`
        : `The gradient ${weak ? 'arrives at' : 'reaches'} the ${newest} that the data depend on${weak ? ', at the oldest within the noise of so many updates, as elsewhere' : ''}`;
    return {
      decisive: !cut && gradient !== null,
      finding: {
        kind: 'hard-task',
        because: `${reachedSentence}, and yet the network has learned ${percent(Math.max(0, share))} of what they allow: its loss is ${say(loss.model)}, that of a constant ${say(loss.constant)}, and the reference gets to ${say(data.reference.loss)}${fits}${falling ? '; it was still falling' : ''}.${nearer ? sayNearer(nearer) : ''}${failsNear ? ' So it is not the distance.' : ''}`,
        evidence: {
          gradientHorizon: gradient?.horizon ?? null,
          reachedInputs: reached,
          dataHorizon: data.horizon,
          learnedShare: share,
          loss: loss.model,
          constant: loss.constant,
          reference: data.reference.loss,
          nearLag: nearer?.nearLag ?? null,
          learnedNear: nearer?.learned ?? null,
        },
        prescription: [
          ...(faint ? longerReach(subject, lag, needed).slice(0, 3) : []),
          ...moreOfIt(subject, { falling, still, weak, failsNear }),
        ],
      },
    };
  },
};

/** Whether the level of the last tenth is the lowest, and clearly below that of the first. */
function isFalling({ loss, updates }: Course): boolean {
  return loss.at >= 0.95 * updates && loss.last < 0.9 * loss.first;
}
