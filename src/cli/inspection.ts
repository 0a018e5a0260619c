import type { Dataset } from '../data/dataset.ts';
import { ThroughtimeError } from '../errors.ts';
import { type HalfLife, halfLives } from '../monitor/halfLife.ts';
import { goesStepByStep, type JacobianSpectrum, jacobianSpectrum } from '../monitor/jacobian.ts';
import { type LagPoint, lagProfile, longLagGradients } from '../monitor/lagProfile.ts';
import { lyapunovExponents } from '../monitor/lyapunov.ts';
import { locateNonFinite, type NonFiniteLocation } from '../monitor/nonFinite.ts';
import { orthogonality } from '../monitor/orthogonality.ts';
import { type Saturation, saturation } from '../monitor/saturation.ts';
import { type Transport, transport, transportBytes } from '../monitor/transport.ts';
import type { Batch } from '../network/batch.ts';
import { losses } from '../network/loss/losses.ts';
import type { Network } from '../network/network.ts';
import { Checkpointed } from '../network/unroll/checkpointed.ts';
import type { MemoryPlan } from '../network/unroll/memoryPlan.ts';
import type { Unrolled } from '../network/unroll/unrolled.ts';

/** What `inspect` answers. */
export interface Inspection {
  readonly loss: number;
  readonly gradientNorm: number;
  /** Where a value that is not finite appears first; null where all is finite, or where the pass went through in segments, of which the first are gone. */
  readonly located: NonFiniteLocation | null;
  /** ‖dL/dp‖ of every parameter. */
  readonly parameters: Record<string, number>;
  readonly lagProfile: readonly LagPoint[];
  readonly lyapunov: readonly number[];
  /** What the exponents are means over: the last steps of the first sequences. */
  readonly lyapunovOver: { readonly sequences: number; readonly steps: number };
  readonly orthogonality: Record<string, number[]>;
  /** Singular values of single steps; null where no sequence has a step, and for a network with skip connections, which leap over steps. */
  readonly jacobian: JacobianSpectrum | null;
  readonly transport: Transport;
  readonly saturation: readonly Saturation[];
  readonly halfLife: readonly HalfLife[];
  /** Steps at the end of the sequences that the four above, and the exponents, were taken over: all, unless memory was limited. */
  readonly heldSteps: number;
  /** Sequences that were looked at, and the steps of the longest. */
  readonly over: { readonly sequences: number; readonly steps: number };
}

/** More exponents than this are of no use to a reader, and cost. */
const mostExponents = 32;
/** Multiplications with additions for the exponents and for single steps, and those of kernels for many steps: about two seconds, a half, and one. */
const lyapunovWork = 2e9;
const jacobianWork = 5e8;
const transportWork = 1.6e10;

/** Bytes that measuring takes beside the passes. */
export function besideBytes(network: Network, B: number): number {
  return transportBytes(network, B);
}

/** What is measured of the steps that are held, before they are gone back through. */
function lookAtHeld(unrolled: Unrolled, batch: Batch) {
  let steps = 0;
  for (let b = 0; b < batch.B; b++) steps = Math.max(steps, batch.lengths[b]);
  const { exponents, ...lyapunovOver } = lyapunovExponents(unrolled, batch, { count: mostExponents, work: lyapunovWork });
  return {
    ...{ lyapunov: exponents, lyapunovOver },
    jacobian: goesStepByStep(unrolled.network) ? (jacobianSpectrum(unrolled, batch, { work: jacobianWork }) ?? null) : null,
    transport: transport(unrolled, batch, { work: transportWork }),
    saturation: saturation(unrolled, batch),
    halfLife: halfLives(unrolled, batch),
    heldSteps: steps,
  };
}

/** One forward and one backward pass over the first T steps of the first B sequences, one more for the lags, and what is measured beside. */
export function inspectNetwork(network: Network, dataset: Dataset, plan: MemoryPlan): Inspection {
  const { backend, parameters } = network;
  const { T, B } = plan;
  const sequences = Array.from({ length: B }, (_, b) => b);
  const through = new Checkpointed(network, dataset.target, plan, false);
  const loss = losses[dataset.loss];
  const steps = {
    T,
    B,
    copy: (begin: number, end: number, batch: Batch) => dataset.copy({ sequences, begin, end, countFrom: begin }, batch),
  };
  let held: ReturnType<typeof lookAtHeld> | undefined;
  let located: NonFiniteLocation | null = null;
  through.reset();
  const value = through.run({
    ...steps,
    loss,
    // The last steps are the first to be gone back through.
    beforeBackward() {
      held ??= lookAtHeld(through.unrolled, through.batch);
    },
    finished(value) {
      const finite = Number.isFinite(value + backend.sumSquares(parameters.gradient, 0, parameters.length));
      if (!finite && through.plan.segments === 1) located = locateNonFinite(through.unrolled, through.batch, loss);
    },
  });
  if (value === undefined || !held) {
    throw new ThroughtimeError(
      'DATA_INVALID',
      `none of the first ${B} sequences has a counted target, so there is nothing to look at; give targets`,
    );
  }
  const norm = (at: number, length: number) => Math.sqrt(backend.sumSquares(parameters.gradient, at, length));
  const norms = Object.fromEntries(parameters.list.map(({ name, at, length }) => [name, norm(at, length)]));
  const gradientNorm = norm(0, parameters.length);
  return {
    ...{ loss: value, gradientNorm, located, parameters: norms },
    lagProfile: lagProfile(longLagGradients(through, steps, loss)),
    orthogonality: orthogonality(network),
    ...held,
    over: { sequences: B, steps: T },
  };
}
