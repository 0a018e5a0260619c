import { longerWindow } from './cures.ts';
import { thresholds } from './thresholds.ts';
import type { Judge, Opinion } from './verdict.ts';
import { inputs, percent, say, sayNearer, steps } from './words.ts';

/** The data depend on more than the window of truncated BPTT, what lies beyond it is not learned, and without the window the gradient would get there. */
export const truncated: Judge = {
  kind: 'truncated',
  judge(
    { subject, data, loss, gradient, nearer },
    { window, beyondWindow: beyond, complete, something, margin, farthest, share, learnsNear, failsNear },
  ): Opinion | null {
    if (complete || !something || !Number.isFinite(window) || !beyond.material) return null;
    // A state that is carried on remembers a little by itself: what is used has to show in the loss too.
    if (beyond.drawn && 1 - share < thresholds.drawn * beyond.worth) return null;
    const gated = subject.cell !== 'rnn';
    const out = gradient !== null && margin < -(gated ? thresholds.clearlyOut.gated : thresholds.clearlyOut.plain);
    return {
      decisive: !out && !failsNear,
      finding: {
        kind: 'truncated',
        because:
          `The gradient goes back ${steps(window)} at most, and the data depend on the newest ${inputs(data.horizon)}: ` +
          `what is older than the window is worth ${percent(beyond.worth)} of all there is to learn, and the network draws ` +
          `${percent(Math.max(0, beyond.used))} of that from it; its loss is ${say(loss.model)}, that of the reference ${say(data.reference.loss)}.${learnsNear && nearer ? sayNearer(nearer) : ''}`,
        evidence: {
          window,
          dataHorizon: data.horizon,
          worthBeyond: beyond.worth,
          usedBeyond: beyond.used,
          farthestLag: farthest.window,
          reachMargin: margin,
        },
        prescription: longerWindow(subject, data.horizon),
      },
    };
  },
};
