import { learnsAnything } from './noLongRange.ts';
import { thresholds } from './thresholds.ts';
import type { Judge, Opinion } from './verdict.ts';
import { inputs, percent, say } from './words.ts';

/** It learns what the data allow. */
export const healthy: Judge = {
  kind: 'healthy',
  judge(examination, reading): Opinion | null {
    const { data, loss, gradient } = examination;
    const unseen = data.horizon === 0 && reading.learned >= thresholds.solved && learnsAnything(examination, reading);
    if (!reading.complete && !unseen) return null;
    const { farthest } = reading;
    const far =
      farthest.drawn && farthest.window > 0
        ? `, and it draws on inputs ${farthest.window} ${farthest.window === 1 ? 'step' : 'steps'} back`
        : '';
    return {
      decisive: true,
      finding: {
        kind: 'healthy',
        because: unseen
          ? `The network's loss of ${say(loss.model)} leaves ${percent(1 - reading.learned)} of that of a constant, ${say(loss.constant)}: it has found what the test of the data has not.`
          : `The network has learned ${percent(Math.min(1, reading.share))} of what the data allow: they depend on the newest ${inputs(data.horizon)}, its loss is ${say(loss.model)}, that of the reference ${say(data.reference.loss)} and of a constant ${say(loss.constant)}${far}.`,
        evidence: {
          loss: loss.model,
          constant: loss.constant,
          reference: data.reference.loss,
          learnedShare: reading.share,
          usedAtFarthest: farthest.used,
          farthestLag: farthest.window,
          dataHorizon: data.horizon,
          gradientHorizon: gradient?.horizon ?? null,
        },
        prescription: [],
      },
    };
  },
};
