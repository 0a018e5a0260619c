import type { FarPrediction } from './farLearners.ts';
import { dot } from './linear.ts';
import type { Past } from './past.ts';
import { PatternNetwork } from './patternNetwork.ts';
import type { NearModel, Side, Split } from './split.ts';

/** Share of the targets' squares that has to be left open for anything to be learned of it. */
const leastOpen = 1e-4;

/** What the trained reference says beyond a near model: as it begins, and when it is trained. Nothing where the near model leaves nothing open. */
export function trainedPredictions(split: Split, { window, residual }: NearModel, W: number): FarPrediction[] {
  const { train, test, O } = split;
  if (!isOpen(split, residual)) return [];
  const begun = PatternNetwork.begin(train.past, { residual, O, window, past: W });
  return [
    { name: 'pairs of patterns anywhere', network: begun },
    { name: 'a trained network', network: begun.trained() },
  ].map(({ name, network }) => {
    const on = ({ past }: Side) => network.predict(past);
    return { name, values: on(test), on };
  });
}

/** A near model with what the reference makes of the near inputs, for the loss that they allow. */
export function withReference(split: Split, near: NearModel): NearModel {
  const { train, O } = split;
  const { window, residual } = near;
  if (window === 0 || !isOpen(split, residual)) return near;
  const network = PatternNetwork.begin(train.past, { residual, O, window: 0, past: window }).trained();
  const known = new Map<Past, Float64Array>();
  const predicted = (past: Past) => {
    const values = known.get(past) ?? network.predict(past);
    known.set(past, values);
    return values;
  };
  const outputs = Array.from({ length: O }, (_, o) => ({
    kind: 'learned' as const,
    name: `output ${o}`,
    past: window,
    values: (past: Past) => predicted(past).subarray(o * past.n, (o + 1) * past.n),
  }));
  return split.extended(near, outputs);
}

const isOpen = ({ trainTargets: targets }: Split, residual: Float64Array) =>
  dot(residual, 0, residual, 0, residual.length) > leastOpen * dot(targets, 0, targets, 0, targets.length);
