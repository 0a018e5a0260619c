import type { Batch } from '../network/batch.ts';
import type { CellFunction } from '../network/cell/cell.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';
import { type Monitor, plain } from './monitor.ts';

/** How far one function of one layer is driven, over all its values: units, steps and sequences. */
export interface Saturation {
  readonly layer: number;
  /** Of the gate or state: `f`. */
  readonly name: string;
  readonly kind: CellFunction['kind'];
  /**
   * Shares of the values at the lower and at the upper end of the function, where its slope is below a twentieth of its largest: tanh
   * below -0.975 and above it, a gate shut (below 0.0127) and open (above 0.987). Of a ReLU, `low` is the share of zeros.
   */
  readonly low: number;
  readonly high: number;
  /** Of a ReLU: share of the units that are 0 at every step of every sequence looked at. */
  readonly dead?: number;
}

/** The slope below which a function counts as saturated, as a share of its largest slope. */
const flat = 0.05;
/** tanh' = 1 - v² < 0.05, and 4 v (1 - v) < 0.05 of the logistic function. */
const tanhEnd = Math.sqrt(1 - flat);
const sigmoidEnd = (1 - Math.sqrt(1 - flat)) / 2;

/**
 * Saturation of tanh and gates, and dead ReLUs, in the last forward pass. A function that is driven to its flat ends passes no
 * gradient: f'(pr_t) in diag(f'(pr_t)) W is near 0 there. Steps beyond a sequence's end do not count. A cell that does not tell its functions
 * (`Cell.functions`) has none listed.
 */
export function saturation({ network, layers }: Unrolled, batch: Batch): Saturation[] {
  const { cell, H } = network;
  const { T, B, lengths } = batch;
  const found: Saturation[] = [];
  for (const [layer, { kept, states, outputAt }] of layers.entries()) {
    for (const { name, kind, in: place } of cell.functions ?? []) {
      const [values, first, stride] =
        'gate' in place
          ? [kept.pre, place.gate * H, cell.gates * H]
          : [states['state' in place ? place.state : place.argumentState], outputAt, H];
      const squash = 'argumentState' in place ? squashOf[kind] : undefined;
      const [least, most] = endsOf[kind];
      const alive = new Uint8Array(H);
      let low = 0;
      let high = 0;
      let count = 0;
      for (let t = 0; t < T; t++) {
        for (let b = 0; b < B; b++) {
          if (t >= lengths[b]) continue;
          const at = first + (t * B + b) * stride;
          for (let j = 0; j < H; j++) {
            const value = squash ? squash(values[at + j]) : values[at + j];
            if (value <= least) low++;
            else if (value >= most) high++;
            if (value > 0) alive[j] = 1;
          }
          count += H;
        }
      }
      const shares = { low: low / count, high: high / count };
      const dead = kind === 'relu' ? { dead: 1 - alive.reduce((sum, each) => sum + each, 0) / H } : {};
      found.push({ layer, name, kind, ...shares, ...dead });
    }
  }
  return found;
}

/** Up to where a value is at the lower end, and from where at the upper. */
const endsOf: Record<CellFunction['kind'], readonly [number, number]> = {
  tanh: [-tanhEnd, tanhEnd],
  sigmoid: [sigmoidEnd, 1 - sigmoidEnd],
  relu: [0, Infinity],
};

const squashOf: Record<CellFunction['kind'], (x: number) => number> = {
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  relu: (x) => Math.max(x, 0),
};

export const saturationMonitor: Monitor<Saturation[]> = {
  name: 'saturation',
  measures: 'shares of the values of tanh, gates and ReLUs that are at their flat ends, and of units that are dead',
  work: ({ network: { L, H, cell }, T, B }) => plain * L * T * B * H * (cell.functions?.length ?? 0),
  measure: (look) => saturation(look.forward(), look.batch),
};
