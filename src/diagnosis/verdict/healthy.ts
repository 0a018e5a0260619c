import type { Examination } from '../examination/examination.ts';
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
          : `The network ${grade(reading.share)}: they depend on the newest ${inputs(data.horizon)}, its loss is ${say(loss.model)} where a constant has ${say(loss.constant)}, and that of the reference ${referenceOf(examination)}${far}.`,
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

/** A share above 1 says that the reference is no bound: it is only the best that was found without the network. */
const grade = (share: number) =>
  share > 1.02
    ? 'has learned more than the best predictor that the test of the data found in them'
    : `has learned ${percent(Math.min(1, share))} of what the data allow`;

/** The reference's loss; beside that of its own constant where the validation part is of another kind than what it was tested on. */
function referenceOf({ data: { reference }, loss }: Examination): string {
  const { constant } = reference;
  const differs = constant !== null && loss.constant !== null && Math.abs(constant / loss.constant - 1) > 0.1;
  return differs ? `is ${say(reference.loss)} where a constant has ${say(constant)}, on the training part` : `is ${say(reference.loss)}`;
}
