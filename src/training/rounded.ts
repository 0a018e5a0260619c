import type { NormGrowth } from '../monitor/normGrowth.ts';

/** Six digits are enough for a curve. */
export const rounded = (value: number) => Number(value.toPrecision(6));
export const roundedGrowth = ({ newest, middle, oldest, lag }: NormGrowth): NormGrowth => ({
  newest: rounded(newest),
  middle: rounded(middle),
  oldest: rounded(oldest),
  lag: rounded(lag),
});
