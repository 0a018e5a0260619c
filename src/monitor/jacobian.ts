import { ThroughtimeError } from '../errors.ts';
import type { Batch } from '../network/batch.ts';
import type { Network } from '../network/network.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';
import { type Monitor, plain } from './monitor.ts';
import { quantile } from './quantile.ts';
import { singularRange } from './singularValues.ts';
import { StepJacobian } from './stepJacobian.ts';

/** How one singular value is distributed over steps and sequences: logarithms to base 10 of a factor a step. */
export interface LogSpread {
  readonly meanLog10: number;
  readonly p10: number;
  readonly p90: number;
}

/** The singular values of one step's Jacobian ds_t/ds_{t-1}, over steps and sequences. */
export interface JacobianSpectrum {
  /** Of the largest and the smallest singular value of ds_t/ds_{t-1}. */
  readonly largest: LogSpread;
  readonly smallest: LogSpread;
  /** How many Jacobians were made, evenly over the steps of the first sequences. */
  readonly jacobians: number;
}

/** How many Jacobians are looked at. */
export interface JacobianOptions {
  /** How many are made at most; 32 by default. */
  readonly count?: number;
  /** Multiplications with additions that they may cost, one being made in any case; without bound by default. */
  readonly work?: number;
}

/** Multiplications of one Jacobian with its singular values. */
const workOfOne = (network: Network, n: number) => StepJacobian.work(network) + (8 / 3) * n ** 3;

/**
 * The largest and the smallest singular value of the Jacobians ds_t/ds_{t-1} over the whole carried state, along the sequences of the
 * last forward pass: by how much one step can stretch a perturbation of the state, or a gradient on its way back, and how little of it
 * it may leave. Below 0 (in log10) for the largest at every step, the gradient vanishes for certain (Pascanu, Mikolov & Bengio 2013,
 * section 2.1). In float64; a smallest value below some 1e-16 of the largest is not told from 0.
 *
 * @returns undefined where no sequence has a step.
 * @throws OPTION_INVALID for a network with skip connections, whose gradient does not go step by step; `transport` measures it.
 */
export function jacobianSpectrum(unrolled: Unrolled, batch: Batch, options: JacobianOptions = {}): JacobianSpectrum | undefined {
  const { count = 32, work = Infinity } = options;
  const { network } = unrolled;
  if (!goesStepByStep(network)) throw new ThroughtimeError('OPTION_INVALID', `the Jacobian of a step ${notOfSkips}`);
  const jacobian = new StepJacobian(network);
  const n = jacobian.size;
  const places: [t: number, b: number][] = [];
  for (let b = 0; b < batch.B; b++) for (let t = 0; t < batch.lengths[b]; t++) places.push([t, b]);
  const jacobians = Math.min(places.length, Math.max(1, Math.min(count, Math.floor(work / workOfOne(network, n)))));
  if (jacobians === 0) return undefined;
  const largest: number[] = [];
  const smallest: number[] = [];
  for (let i = 0; i < jacobians; i++) {
    const [t, b] = places[Math.floor(((i + 0.5) * places.length) / jacobians)];
    const range = singularRange(jacobian.take(unrolled, batch, t, b), n);
    largest.push(Math.log10(range.largest));
    smallest.push(Math.log10(range.smallest));
  }
  return { largest: spreadOf(largest), smallest: spreadOf(smallest), jacobians };
}

/** Mean and percentiles of logarithms. */
export function spreadOf(logs: number[]): LogSpread {
  logs.sort((a, b) => a - b);
  const meanLog10 = logs.reduce((sum, each) => sum + each, 0) / logs.length;
  return { meanLog10, p10: quantile(logs, 0.1), p90: quantile(logs, 0.9) };
}

/** Whether all that a step reads of the past are the states of the step before, so that the Jacobian of one step bounds the gradient. */
export const goesStepByStep = ({ ways }: Pick<Network, 'ways'>): boolean =>
  ways.every(({ recurrentLag, shortcuts }) => recurrentLag === 1 && shortcuts.every((lag) => lag === 1));

/** Why not. */
export const notOfSkips =
  'says nothing of a network with skip connections, whose gradient goes around the step before; look at "transport" or "lyapunov"';

const monitored = 8;

export const jacobianMonitor: Monitor<JacobianSpectrum | undefined> = {
  name: 'jacobian',
  measures: 'log10 of the largest and the smallest singular value of ds_t/ds_{t-1}',
  work: ({ network }) => plain * monitored * workOfOne(network, network.L * network.cell.states.length * network.H),
  measure: (look) => jacobianSpectrum(look.forward(), look.batch, { count: monitored }),
};
