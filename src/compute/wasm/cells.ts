import type { CellKernel } from '../backend.ts';
import type { Kernels } from './kernels.ts';

/** The fused cells: positions turned into byte addresses, the arithmetic is in assembly/gates.ts. */
export function fusedCells(kernels: Kernels): Readonly<Record<string, CellKernel>> {
  return {
    'rnn-tanh': {
      forward({ B, H, pre, preAt, states, nextAt }) {
        kernels.tanhForward(pre.byteOffset + preAt * 4, states[0].byteOffset + nextAt * 4, B * H);
      },
      backward({ B, H, pre, preAt, dStates }) {
        kernels.tanhBackward(pre.byteOffset + preAt * 4, dStates[0].byteOffset, B * H);
      },
    },

    'rnn-relu': {
      forward({ B, H, pre, preAt, states, nextAt }) {
        kernels.reluForward(pre.byteOffset + preAt * 4, states[0].byteOffset + nextAt * 4, B * H);
      },
      backward({ B, H, pre, preAt, dStates }) {
        kernels.reluBackward(pre.byteOffset + preAt * 4, dStates[0].byteOffset, B * H);
      },
    },

    lstm: {
      forward({ B, H, pre, preAt, states, previousAt, nextAt }) {
        const c = states[1].byteOffset;
        kernels.lstmForward(pre.byteOffset + preAt * 4, c + previousAt * 4, states[0].byteOffset + nextAt * 4, c + nextAt * 4, B, H);
      },
      backward({ B, H, pre, preAt, states, previousAt, nextAt, dStates }) {
        const c = states[1].byteOffset;
        const dh = dStates[0].byteOffset;
        const dc = dStates[1].byteOffset;
        kernels.lstmBackward(pre.byteOffset + preAt * 4, c + previousAt * 4, c + nextAt * 4, dh, dc, B, H);
      },
    },

    gru: {
      forward({ B, H, pre, preAt, apart, apartAt, states, previousAt, nextAt }) {
        const h = states[0].byteOffset;
        kernels.gruForward(pre.byteOffset + preAt * 4, apart.byteOffset + apartAt * 4, h + previousAt * 4, h + nextAt * 4, B, H);
      },
      backward({ B, H, pre, preAt, apart, apartAt, states, previousAt, dStates }) {
        const hPrevious = states[0].byteOffset + previousAt * 4;
        kernels.gruBackward(pre.byteOffset + preAt * 4, apart.byteOffset + apartAt * 4, hPrevious, dStates[0].byteOffset, B, H);
      },
    },

    mingru: {
      forward({ B, H, pre, preAt, states: [h], previousAt, nextAt }) {
        kernels.mingruForward(pre.byteOffset + preAt * 4, h.byteOffset + previousAt * 4, h.byteOffset + nextAt * 4, B, H);
      },
      backward({ B, H, pre, preAt, states: [h], previousAt, dStates: [dh] }) {
        kernels.mingruBackward(pre.byteOffset + preAt * 4, h.byteOffset + previousAt * 4, dh.byteOffset, B, H);
      },
    },

    lru: {
      forward({ B, H, pre, preAt, states, previousAt, nextAt, units, unitsAt }) {
        const [x, y] = [states[0].byteOffset, states[1].byteOffset];
        const [from, to] = [previousAt * 4, nextAt * 4];
        kernels.lruForward(pre.byteOffset + preAt * 4, units.byteOffset + unitsAt * 4, x + from, y + from, x + to, y + to, B, H);
      },
      backward({ B, H, pre, preAt, states, previousAt, dStates: [dh, dImag], units, unitsAt }) {
        const [x, y] = [states[0].byteOffset + previousAt * 4, states[1].byteOffset + previousAt * 4];
        const constants = units.byteOffset + unitsAt * 4;
        kernels.lruBackward(pre.byteOffset + preAt * 4, constants, x, y, dh.byteOffset, dImag.byteOffset, B, H);
      },
    },
  };
}
