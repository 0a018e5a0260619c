import type { Dataset } from '../data/dataset.ts';
import { ThroughtimeError } from '../errors.ts';
import { type HalfLife, halfLives } from '../monitor/halfLife.ts';
import { type JacobianSpectrum, jacobianSpectrum } from '../monitor/jacobian.ts';
import { type LagPoint, lagGradients, lagProfile } from '../monitor/lagProfile.ts';
import { lyapunovExponents } from '../monitor/lyapunov.ts';
import { orthogonality } from '../monitor/orthogonality.ts';
import { type Saturation, saturation } from '../monitor/saturation.ts';
import { type Transport, transport } from '../monitor/transport.ts';
import { allocateBatch } from '../network/batch.ts';
import { losses } from '../network/loss/losses.ts';
import type { Network } from '../network/network.ts';
import { Unrolled } from '../network/unroll/unrolled.ts';

/** What `inspect` answers. */
export interface Inspection {
  readonly loss: number;
  readonly gradientNorm: number;
  /** ‖dL/dp‖ of every parameter. */
  readonly parameters: Record<string, number>;
  readonly lagProfile: readonly LagPoint[];
  readonly lyapunov: readonly number[];
  /** What the exponents are means over: the last steps of the first sequences. */
  readonly lyapunovOver: { readonly sequences: number; readonly steps: number };
  readonly orthogonality: Record<string, number[]>;
  /** Singular values of single steps; null where no sequence has a step. */
  readonly jacobian: JacobianSpectrum | null;
  readonly transport: Transport;
  readonly saturation: readonly Saturation[];
  readonly halfLife: readonly HalfLife[];
  /** Sequences that were looked at, and the steps of the longest. */
  readonly over: { readonly sequences: number; readonly steps: number };
}

/** More exponents than this are of no use to a reader, and cost. */
const mostExponents = 32;
/** Multiplications with additions for the exponents and for single steps, and those of kernels for many steps: about two seconds, a half, and one. */
const lyapunovWork = 2e9;
const jacobianWork = 5e8;
const transportWork = 1.6e10;

/** One forward and one backward pass over the first T steps of the first B sequences, and what can be measured beside them. */
export function inspectNetwork(network: Network, dataset: Dataset, T: number, B: number): Inspection {
  const { backend, parameters } = network;
  const sequences = Array.from({ length: B }, (_, b) => b);
  const batch = allocateBatch(backend, dataset.input, dataset.target, T, B);
  dataset.copy({ sequences, begin: 0, end: T, countFrom: 0 }, batch);
  if (batch.counted === 0) {
    throw new ThroughtimeError(
      'DATA_INVALID',
      `none of the first ${B} sequences has a counted target, so there is nothing to look at; give targets`,
    );
  }
  const unrolled = new Unrolled(network, T, B);
  const loss = losses[dataset.loss];
  unrolled.forward(batch);
  const driven = saturation(unrolled, batch);
  const halfLife = halfLives(unrolled, batch);
  const through = transport(unrolled, batch, { work: transportWork });
  const value = unrolled.backward(loss);
  const norm = (at: number, length: number) => Math.sqrt(backend.sumSquares(parameters.gradient, at, length));
  const norms = Object.fromEntries(parameters.list.map(({ name, at, length }) => [name, norm(at, length)]));
  const gradientNorm = norm(0, parameters.length);
  const { exponents, ...lyapunovOver } = lyapunovExponents(unrolled, batch, { count: mostExponents, work: lyapunovWork });
  return {
    loss: value,
    gradientNorm,
    parameters: norms,
    jacobian: jacobianSpectrum(unrolled, batch, { work: jacobianWork }) ?? null,
    lagProfile: lagProfile(lagGradients(unrolled, batch, loss)),
    lyapunov: exponents,
    lyapunovOver,
    orthogonality: orthogonality(network),
    transport: through,
    saturation: driven,
    halfLife,
    over: { sequences: B, steps: T },
  };
}
