import type { Network } from '../network/network.ts';
import { halfLifeMonitor } from './halfLife.ts';
import { jacobianMonitor } from './jacobian.ts';
import { lagContributionMonitor } from './lagContribution.ts';
import { lagProfileMonitor } from './lagProfile.ts';
import { lyapunovMonitor } from './lyapunov.ts';
import type { LookSize, Monitor } from './monitor.ts';
import { orthogonalityMonitor } from './orthogonality.ts';
import { saturationMonitor } from './saturation.ts';
import { transportMonitor } from './transport.ts';

/** Every monitor that looks at a network, by the name it has on the command line; in the order in which they are taken. */
export const monitors: readonly Monitor[] = [
  saturationMonitor,
  halfLifeMonitor,
  lagProfileMonitor,
  lagContributionMonitor,
  jacobianMonitor,
  transportMonitor,
  lyapunovMonitor,
  orthogonalityMonitor,
];

/** Those that a run has unless it says otherwise. */
export const defaultMonitors: readonly string[] = ['saturation', 'half-life', 'lag-profile', 'lag-contribution'];

/** Multiplications with additions of a forward pass of T steps of B sequences. */
function workOfForward({ H, L, cell, input }: Network, T: number, B: number): number {
  const recurrent = cell.recurrentMatrix === false ? 1 : H;
  return T * B * cell.gates * H * (L * recurrent + input.size + (L - 1) * H);
}

/** Those of a training step: the forward pass, and backward as much again for the weights and for what goes to the layers below and back in time. */
export function workOfStep(network: Network, T: number, B: number): number {
  const { H, L, cell } = network;
  const recurrent = cell.recurrentMatrix === false ? 1 : H;
  return 2 * workOfForward(network, T, B) + T * B * cell.gates * H * (L * recurrent + (L - 1) * H);
}

/** Forward passes that a look costs by itself: one, and its memory, which is made for it and filled with zeros. */
const ofLook = 2.5;

/** What one look with these monitors costs, in training steps of T steps of B sequences. */
export function costOf(chosen: readonly Monitor[], shape: LookSize, training: { readonly T: number; readonly B: number }): number {
  const forward = workOfForward(shape.network, shape.T, shape.B);
  const work = chosen.reduce((sum, each) => sum + each.work(shape), ofLook * forward);
  return work / workOfStep(shape.network, training.T, training.B);
}
