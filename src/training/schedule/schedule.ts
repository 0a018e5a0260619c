/** The learning rate of each update, as a factor on `learningRate`; updates count from 1. */
export type Schedule = (update: number) => number;

/** The `schedule` entry of an experiment. */
export type ScheduleOption =
  | 'constant'
  /** Linear from 0 over that many updates, then constant. */
  | { readonly warmUp: number }
  /** Half a cosine from 1 towards `minimum` (a factor, 0 by default) by the last update, after an optional warm-up. */
  | { readonly cosine: { readonly warmUp?: number; readonly minimum?: number } }
  /** Times `factor` after every `every` updates. */
  | { readonly step: { readonly every: number; readonly factor: number } };
