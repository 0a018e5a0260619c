import { RecentQuantiles } from '../../monitor/recentQuantiles.ts';
import { type Clip, type GradientView, unbound } from './clip.ts';
import { shrink } from './globalNorm.ts';

/** Norms that are remembered. */
const window = 1000;

/**
 * The global norm's clip with the p-th percentile of the last 1000 finite norms as its threshold, the present one not among them
 * (after Seetharaman et al. 2020, "AutoClip", arXiv 2007.14469, equation 3, which takes all norms, and the present one with them).
 * The first gradient meets no threshold.
 *
 * @param p above 0 and below 100.
 */
export function percentile(p: number): Clip {
  const norms = new RecentQuantiles(window);
  const clip = (view: GradientView) => {
    const threshold = norms.quantile(p / 100);
    norms.add(view.norm);
    return threshold > 0 ? shrink(view, threshold) : unbound;
  };
  const memory = { name: 'clip.norms', save: () => norms.save(), restore: (values: ArrayLike<number>) => norms.restore(values) };
  return Object.assign(clip, { memory });
}
