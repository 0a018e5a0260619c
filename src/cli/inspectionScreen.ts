import type { HalfLife } from '../monitor/halfLife.ts';
import type { LogSpread } from '../monitor/jacobian.ts';
import { describeLocation } from '../monitor/nonFinite.ts';
import type { Saturation } from '../monitor/saturation.ts';
import type { Transport } from '../monitor/transport.ts';
import type { Network } from '../network/network.ts';
import type { Inspection } from './inspection.ts';
import { lagPlot } from './lagPlot.ts';
import { short } from './numbers.ts';

/** What `inspect` prints for people. */
export function inspectionScreen(inspection: Inspection, network: Network): string {
  const {
    loss,
    gradientNorm,
    located,
    parameters,
    lagProfile: profile,
    lyapunov,
    lyapunovOver,
    orthogonality: distances,
    over,
  } = inspection;
  const width = Math.max(...Object.keys(parameters).map((name) => name.length), 'gradient norm'.length);
  const rows = Object.entries(parameters).map(([name, norm]) => `    ${name.padEnd(width)}  ${short(norm)}`);
  const blocks = Object.entries(distances).map(([name, each]) => `    ${name.padEnd(width)}  ${each.map(short).join('  ')}`);
  return [
    '',
    `  ${`${network.L} x ${network.H} ${network.cell.name}`.padEnd(width + 2)}  ${network.parameters.length} parameters, looked at over ${extent(over)}`,
    `  ${'loss'.padEnd(width + 2)}  ${short(loss)}`,
    `  ${'gradient norm'.padEnd(width + 2)}  ${short(gradientNorm)}, of each parameter:`,
    ...rows,
    ...(located ? ['', `  First not finite: ${describeLocation(located)}`] : []),
    '',
    '  The gradient through time: log10 of ‖dL_t/ds_{t-k}‖ against the lag k, mean over sequences',
    lagPlot(profile),
    '',
    ...transportRows(inspection.transport),
    ...(inspection.jacobian
      ? [
          `  Singular values of one step, log10: ${spread('largest', inspection.jacobian.largest)}; ${spread('smallest', inspection.jacobian.smallest)}`,
        ]
      : []),
    `  Lyapunov exponents, nats per step, over ${extent(lyapunovOver)}:`,
    `    ${lyapunov.slice(0, 6).map(short).join('  ')}${lyapunov.length > 6 ? `  ... (${lyapunov.length})` : ''}`,
    '',
    ...halfLifeRows(inspection.halfLife),
    ...saturationRows(inspection.saturation),
    ...(blocks.length > 0 ? ['  Distance of each recurrent block from orthogonal, ‖WᵀW - I‖:', ...blocks, ''] : []),
  ].join('\n');
}

/** A logarithm for people: two decimals, which is half a percent of the number. */
const decades = (value: number) => (Number.isFinite(value) ? value.toFixed(2) : String(value));
const percent = (share: number) => `${share > 0 && share < 0.01 ? '<1' : Math.round(100 * share)}%`;
const spread = (name: string, { meanLog10, p10, p90 }: LogSpread) => `${name} ${decades(meanLog10)} (${decades(p10)} to ${decades(p90)})`;

function transportRows({ points, sequences }: Transport): string[] {
  if (points.length === 0) return [];
  const columns = points.map(({ lag, largest, rootMeanSquare }) => [String(lag), decades(largest), decades(rootMeanSquare)]);
  const widths = columns.map((column) => Math.max(...column.map((cell) => cell.length)));
  const heads = ['k', 'largest', 'root mean square'];
  const lines = heads.map(
    (head, row) => `    ${head.padEnd(16)}  ${columns.map((column, i) => column[row].padStart(widths[i])).join('  ')}`,
  );
  return [`  What k steps do to any gradient, log10 of the gain of ds_t/ds_{t-k}, over ${counted(sequences, 'sequence')}:`, ...lines, ''];
}

function halfLifeRows(lives: readonly HalfLife[]): string[] {
  if (lives.length === 0) return [];
  const lines = lives.map(({ layer, state, p10, p50, p90, longest }) => {
    return `    ${state}_l${layer}  ${short(p50)} in the median unit, ${short(p10)} to ${short(p90)} in most, ${short(longest)} at the longest`;
  });
  return ['  Half-lives of what units keep by themselves, steps:', ...lines, ''];
}

const ends: Record<Saturation['kind'], readonly [string, string]> = {
  tanh: ['low', 'high'],
  sigmoid: ['shut', 'open'],
  relu: ['zero', ''],
};

function saturationRows(driven: readonly Saturation[]): string[] {
  if (driven.length === 0) return [];
  const lines = driven.map(({ layer, name, kind, low, high, dead }) => {
    const [lower, upper] = ends[kind];
    const rest = kind === 'relu' ? `, ${percent(dead ?? 0)} of the units always` : `, ${percent(high)} ${upper}`;
    return `    ${`${name}_l${layer}`.padEnd(6)} ${kind.padEnd(8)} ${percent(low)} ${lower}${rest}`;
  });
  return ['  Values at the flat ends of their functions:', ...lines, ''];
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

/** What was looked at, in words. */
export const extent = ({ sequences, steps }: { sequences: number; steps: number }) =>
  `${counted(steps, 'step')} of ${counted(sequences, 'sequence')}`;
