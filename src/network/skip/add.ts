import type { Skip } from './skip.ts';

/**
 * h_t = cell(x_t, h_{t-1}) + sum over lags of h_{t-lag}, kept after the addition; the other states of the cell are left alone. A gradient
 * comes back over `lag` steps unchanged (a residual connection through time; He et al. 2016, arXiv 1512.03385, equation 1).
 */
export const add: Skip = {
  kind: 'add',
  several: true,
  ways: (lags) => ({ recurrentLag: 1, shortcuts: lags, through: 'identity' }),
};
