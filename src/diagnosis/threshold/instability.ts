/**
 * How probable it is that a training with a threshold is unstable, as a curve against the threshold, from trainings of which some were:
 *
 *     p(θ) = 1 / (1 + exp(-b (log₂ θ - m)))
 *
 * m is the octave at which half of them are, with no preference for any within eight of those that were tried; b is the steepness in logits
 * for each octave, log-normal about 5 within a factor of e^0.6. What is given is the mean over both, weighted by how well they explain what
 * was seen: where all trainings were stable, p is small and not 0, and the smaller, the farther below an unstable one.
 */

/** So many trainings with one threshold. */
export interface Tally {
  readonly threshold: number;
  readonly trainings: number;
  readonly unstable: number;
}

/** Of the steepness, in logits for each octave; transitions of ten set-ups lay about there (docs/measured/clipTransition.md). */
const steepness = 5;
const steepnessSpread = 0.6;
const steepnesses = Array.from({ length: 13 }, (_, i) => 1.5 * 8 ** (i / 12));
/** Octaves about the thresholds that were tried in which the middle may lie, and the distance of two that are considered. */
const octaves = 8;
const fineness = 1 / 8;

/** The probability that a training with a threshold is unstable, as a function of the threshold. */
export function instability(tallies: readonly Tally[]): (threshold: number) => number {
  if (tallies.length === 0) throw new RangeError('instability takes one tally at least');
  const seen = tallies.map(({ threshold, trainings, unstable }) => ({ at: Math.log2(threshold), trainings, unstable }));
  const places = seen.map(({ at }) => at);
  const least = Math.min(...places) - octaves;
  const count = Math.round((Math.max(...places) + octaves - least) / fineness) + 1;
  const curves: { middle: number; b: number; log: number }[] = [];
  for (const b of steepnesses) {
    const prior = -0.5 * ((Math.log(b) - Math.log(steepness)) / steepnessSpread) ** 2;
    for (let i = 0; i < count; i++) {
      const middle = least + i * fineness;
      let log = prior;
      for (const { at, trainings, unstable } of seen) {
        const logit = b * (at - middle);
        log += unstable * logSigmoid(logit) + (trainings - unstable) * logSigmoid(-logit);
      }
      curves.push({ middle, b, log });
    }
  }
  const best = curves.reduce((most, { log }) => Math.max(most, log), -Infinity);
  const weighed = curves.map(({ middle, b, log }) => ({ middle, b, weight: Math.exp(log - best) })).filter(({ weight }) => weight > 1e-9);
  const all = weighed.reduce((sum, { weight }) => sum + weight, 0);
  return (threshold) => {
    const at = Math.log2(threshold);
    let sum = 0;
    for (const { middle, b, weight } of weighed) sum += weight / (1 + Math.exp(-b * (at - middle)));
    return sum / all;
  };
}

const logSigmoid = (x: number): number => (x < 0 ? x - Math.log1p(Math.exp(x)) : -Math.log1p(Math.exp(-x)));
