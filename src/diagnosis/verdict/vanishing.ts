import type { Examination } from '../examination/examination.ts';
import { longerReach } from './cures.ts';
import type { Reading } from './reading.ts';
import { thresholds } from './thresholds.ts';
import type { Judge, Opinion } from './verdict.ts';
import { inputs, newest, percent, say, sayNearer } from './words.ts';

/** The data depend on inputs that the gradient does not reach, and what depends on them is not learned. */
export const vanishing: Judge = {
  kind: 'vanishing',
  judge(examination, reading): Opinion | null {
    const { subject, data, loss, gradient, look, nearer } = examination;
    const { complete, beyondReach: beyond, reached, surelyReached, unreached, learnsNear, farthest, margin } = reading;
    if (complete || !reading.something || gradient === null || !unreached) return null;
    const lag = farthest.window;
    const point = look?.lagProfile[Math.min(lag, look.lagProfile.length - 1)];
    // The logarithms are exact where the ratio is too small for a number.
    const decades = look && point ? point.meanLog10 - look.lagProfile[0].meanLog10 : Number.NaN;
    const left = Number.isFinite(decades) ? `it has 10^${decades.toFixed(1)} of its size at lag 0` : 'nothing of it is left';
    const size = point ? ` (at lag ${point.lag} ${left})` : '';
    return {
      decisive: !isOpen(examination, reading),
      finding: {
        kind: 'vanishing',
        because:
          `The data depend on the newest ${inputs(data.horizon)}, and the gradient reaches ${newest([surelyReached, reached])}${size}: ` +
          `what is older is worth ${percent(beyond.worth)} of all there is to learn, and the network draws ` +
          `${percent(Math.max(0, beyond.used))} of that from it; its loss is ${say(loss.model)}, that of the reference ${say(data.reference.loss)}.${learnsNear && nearer ? sayNearer(nearer) : ''}`,
        evidence: {
          gradientHorizon: gradient.horizon,
          reachedInputs: reached,
          dataHorizon: data.horizon,
          worthBeyond: beyond.worth,
          usedBeyond: beyond.used,
          farthestLag: lag,
          reachMargin: margin,
          ratioAtFarthestLag: point?.ratio ?? null,
          slope: gradient.slope,
          nearLag: nearer?.nearLag ?? null,
          learnedNear: nearer?.learned ?? null,
        },
        prescription: longerReach(subject, lag, data.horizon),
      },
    };
  },
};

/** Whether the gradient may yet arrive: the training was cut short, or its reach has been growing and is no longer far off. */
function isOpen({ course, subject }: Examination, { cut, margin, grown, learnsNear }: Reading): boolean {
  // That the distance is what it fails by has been seen.
  if (learnsNear) return false;
  const gated = subject.cell !== 'rnn';
  if (cut && course && course.updates < 0.5 * course.asked && margin > -(gated ? thresholds.clearlyOut.gated : 2)) return true;
  return grown > thresholds.coming && margin > -1;
}
