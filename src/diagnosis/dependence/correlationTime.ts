import type { Channels } from './channels.ts';
import { dot, Factor, fit, gram, subtractFit } from './linear.ts';
import type { Samples } from './samples.ts';

/** Consecutive targets that are looked at. */
const mostTargets = 20_000;
const mostOutputs = 4;
const mostColumns = 8;
/** A correlation that no longer counts. */
const small = 0.1;

/**
 * For how many steps what the newest input leaves of the targets of a stream stays correlated with itself: the first lag at which the
 * autocorrelation is below 0.1, at most a hundredth of the targets. 1 where there is none.
 */
export function correlationTime(samples: Samples, channels: Channels): number {
  const { targetStarts, targetSteps, starts, target } = samples;
  let sequence = 0;
  for (let n = 1; n < samples.count; n++) {
    if (targetStarts[n + 1] - targetStarts[n] > targetStarts[sequence + 1] - targetStarts[sequence]) sequence = n;
  }
  const from = targetStarts[sequence];
  const n = Math.min(mostTargets, targetStarts[sequence + 1] - from);
  if (n < 32) return 1;
  const places = Int32Array.from({ length: n }, (_, r) => starts[sequence] + targetSteps[from + r]);
  const d = 1 + Math.min(mostColumns, channels.count);
  const columns = new Float64Array(d * n).fill(1, 0, n);
  for (let c = 0; c + 1 < d; c++) {
    for (let r = 0; r < n; r++) {
      columns[(c + 1) * n + r] = channels.symbols ? channels.tables[c][channels.symbols[places[r]]] : channels.dense[c][places[r]];
    }
  }
  const O = Math.min(mostOutputs, target.size);
  const residual = new Float64Array(O * n);
  for (let o = 0; o < O; o++) {
    // Of many outputs, the last too: what lies farthest ahead is correlated longest.
    const output = O === target.size ? o : Math.round((o * (target.size - 1)) / (O - 1));
    for (let r = 0; r < n; r++) {
      residual[o * n + r] =
        target.kind === 'classes' ? (samples.classes[from + r] === output ? 1 : 0) : samples.values[(from + r) * target.size + output];
    }
  }
  const factor = new Factor(gram(columns, d, n), d);
  subtractFit(columns, d, fit(columns, d, residual, O, n, factor), residual, O, n);
  let longest = 1;
  for (let o = 0; o < O; o++) {
    const whole = dot(residual, o * n, residual, o * n, n);
    let lag = 1;
    while (lag < n / 100 && dot(residual, o * n, residual, o * n + lag, n - lag) > small * whole) lag++;
    longest = Math.max(longest, lag);
  }
  return longest;
}
