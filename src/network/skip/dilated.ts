import type { Skip } from './skip.ts';

/**
 * s_t = cell(x_t, s_{t-lag}): the cell reads the states of lag steps before in place of those of the last one, so that a gradient comes back
 * over T steps in T / lag. Layers with lags 1, 2, 4, ... see every step (Chang et al. 2017, "Dilated recurrent neural networks", arXiv
 * 1710.02224, section 2.1, eq. 1, and 2.2).
 */
export const dilated: Skip = {
  kind: 'dilated',
  several: false,
  lagOne: 'the cell reads h_{t-1} anyway',
  ways: ([lag]) => ({ recurrentLag: lag, shortcuts: [], through: 'identity' }),
};
