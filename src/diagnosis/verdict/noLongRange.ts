import type { Examination } from '../examination/examination.ts';
import type { Reading } from './reading.ts';
import { thresholds } from './thresholds.ts';
import type { Judge, Opinion } from './verdict.ts';
import { inputs, percent, say } from './words.ts';

/** There is nothing far back: the data give no gain beyond what the network uses, so that it does not matter how small the gradient is there. */
export const noLongRange: Judge = {
  kind: 'no-long-range-dependency',
  judge(examination, reading): Opinion | null {
    const { data, look } = examination;
    const profile = look?.lagProfile ?? [];
    const last = profile.at(-1);
    const small =
      last && last.ratio < 0.01
        ? `The gradient at lag ${last.lag} is 10^${Math.log10(last.ratio).toFixed(1)} of that at lag 0, and it is not missed: `
        : '';
    if (data.horizon === 0) {
      if (data.outcome !== 'none-larger-than' || learnsAnything(examination, reading)) return null;
      return {
        decisive: true,
        finding: {
          kind: 'no-long-range-dependency',
          because:
            `${small}no input helps to predict the target, so there is nothing to learn: a dependence that sets ` +
            `${percent(data.largestNotExcluded ?? 0)} of it or more would have been found at every lag tried, and the loss of the best constant, ${say(examination.loss.constant)}, is all that is to be had.`.replace(
              /^n/,
              'N',
            ),
          evidence: {
            dataHorizon: 0,
            largestNotExcluded: data.largestNotExcluded,
            alpha: data.alpha,
            ratioAtLongestLag: last?.ratio ?? null,
          },
          prescription: [],
        },
      };
    }
    const longest = data.data.longest;
    const { needed } = reading;
    const near = needed <= thresholds.shortShare * longest;
    if (!near || !(reading.complete || reading.share >= thresholds.shortComplete)) return null;
    const because = `${small}the data depend on the newest ${inputs(needed)} of ${longest}, and ${needed < data.horizon ? 'what is older is worth hardly anything' : 'nothing older was found to add anything'}; and the network has learned ${percent(Math.min(1, reading.share))} of what they allow, a loss of ${say(examination.loss.model)}.`;
    return {
      decisive: true,
      finding: {
        kind: 'no-long-range-dependency',
        because: because[0].toUpperCase() + because.slice(1),
        evidence: {
          dataHorizon: data.horizon,
          neededInputs: needed,
          longest,
          largestNotExcluded: data.largestNotExcluded,
          learnedShare: reading.share,
          gradientHorizon: examination.gradient?.horizon ?? null,
          ratioAtLongestLag: last?.ratio ?? null,
        },
        prescription: [],
      },
    };
  },
};

/** Whether the network demonstrably predicts better than a constant, so that the test has overlooked something. */
export function learnsAnything({ usage, loss }: Examination, { learned }: Reading): boolean {
  const all = usage?.points.find(({ window }) => window === 0);
  return (
    all !== undefined && loss.constant !== null && learned > 0.05 && learned * loss.constant > 4 * loss.error && all.gain > 4 * all.error
  );
}
