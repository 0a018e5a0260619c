import type { Skip } from './skip.ts';

/**
 * pre_t = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh + sum over lags of W_skip,lag h_{t-lag}: a matrix of its own for every lag (Lin et al. 1996,
 * "Learning long-term dependencies in NARX recurrent neural networks"; Zhang et al. 2016, arXiv 1602.08210, on recurrent skip coefficients).
 * It is the block of columns of `weight_skip_l{n}` [G*H, lags * H] that stands where its lag does.
 */
export const weighted: Skip = {
  kind: 'weighted',
  several: true,
  lagOne: 'the recurrent matrix reads h_{t-1} already',
  ways: (lags) => ({ recurrentLag: 1, shortcuts: lags, through: 'matrix' }),
};
