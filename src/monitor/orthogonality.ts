import { layerNames, type Network } from '../network/network.ts';
import { type Monitor, plain } from './monitor.ts';

/**
 * How far each square block of the recurrent matrices is from orthogonal: ‖WᵀW - I‖ in the Frobenius norm, one number per
 * gate; 0 for an orthogonal block. A cell without a recurrent matrix has none. Costs 2 H³ operations a block.
 */
export function orthogonality({ parameters, cell, H, L }: Network): Record<string, number[]> {
  const distances: Record<string, number[]> = {};
  if (cell.recurrentMatrix === false) return distances;
  for (let layer = 0; layer < L; layer++) {
    const name = layerNames(layer).recurrentWeight;
    const weights = parameters.valuesOf(name);
    distances[name] = Array.from({ length: cell.gates }, (_, gate) => blockDistance(weights, gate * H * H, H));
  }
  return distances;
}

function blockDistance(weights: ArrayLike<number>, at: number, H: number): number {
  let square = 0;
  for (let i = 0; i < H; i++) {
    for (let j = i; j < H; j++) {
      let product = 0;
      for (let k = 0; k < H; k++) product += weights[at + k * H + i] * weights[at + k * H + j];
      const difference = product - (i === j ? 1 : 0);
      square += difference * difference * (i === j ? 1 : 2);
    }
  }
  return Math.sqrt(square);
}

export const orthogonalityMonitor: Monitor<Record<string, number[]>> = {
  name: 'orthogonality',
  measures: 'the distance of each recurrent block from orthogonal, in the Frobenius norm',
  work: ({ network: { L, H, cell } }) => (plain * L * cell.gates * H ** 3) / 2,
  measure: (look) => orthogonality(look.forward().network),
};
