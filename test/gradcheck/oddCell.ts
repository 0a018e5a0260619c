import type { Cell } from '../../src/network/cell/cell.ts';

/**
 * A cell unlike any of ours. Three states, two gates, both kept apart: a = tanh(pre_0 + 0.5 apart_0), b = pre_1 apart_1;
 * h = a + 0.5 m, m = 0.9 m + 0.1 b, n = m_{t-1} (a delay that only the next step reads, through h).
 */
export const odd: Cell = {
  name: 'odd',
  gates: 2,
  apart: 2,
  states: ['h', 'm', 'n'],
  forward({ B, H, pre, preAt, apart, apartAt, states: [h, m, n], previousAt, nextAt }) {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const at = b * 2 * H + j;
        const unit = b * H + j;
        const a = Math.tanh(pre[preAt + at] + 0.5 * apart[apartAt + at]);
        pre[preAt + at] = a;
        m[nextAt + unit] = 0.9 * m[previousAt + unit] + 0.1 * pre[preAt + at + H] * apart[apartAt + at + H];
        n[nextAt + unit] = m[previousAt + unit];
        h[nextAt + unit] = a + 0.5 * m[nextAt + unit] + 0.25 * n[previousAt + unit];
      }
    }
  },
  backward({ B, H, pre, preAt, apart, apartAt, dStates: [dh, dm, dn] }) {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const at = b * 2 * H + j;
        const unit = b * H + j;
        const dA = dh[unit] * (1 - pre[preAt + at] ** 2);
        const dM = dm[unit] + 0.5 * dh[unit];
        const other = pre[preAt + at + H];
        pre[preAt + at] = dA;
        pre[preAt + at + H] = 0.1 * dM * apart[apartAt + at + H];
        apart[apartAt + at] = 0.5 * dA;
        apart[apartAt + at + H] = 0.1 * dM * other;
        dm[unit] = 0.9 * dM + dn[unit];
        dn[unit] = 0.25 * dh[unit];
        dh[unit] = 0;
      }
    }
  },
};
