import type { DependenceOutcome, DependenceReport, LadderRung, PowerPoint } from './report.ts';
import type { Division, Rows } from './rows.ts';
import type { Samples } from './samples.ts';

/** What the test of one window came to. */
export interface WindowTest {
  /** Held against alpha as it is. */
  readonly pValue: number;
  readonly learner: string;
  readonly statistic: number;
}

/** What a search found. */
export interface SearchFindings {
  readonly horizon: number;
  readonly power: readonly PowerPoint[];
  /** The weakest planted dependence that was found at every lag; null where one lag showed none. */
  readonly largest: number | null;
  /** Held-out losses by window, null of too many outputs. */
  readonly losses: ReadonlyMap<number, number | null>;
  readonly pValues: ReadonlyMap<number, WindowTest>;
  readonly asked: { readonly alpha: number; readonly strength: number; readonly power: boolean };
}

/** What was searched. */
export interface Searched {
  readonly samples: Samples;
  readonly division: Division;
  /** Rows of either half. */
  readonly sides: readonly Rows[];
}

/** The report of a search, but for its time. */
export function reportOf(found: SearchFindings, searched: Searched): Omit<DependenceReport, 'seconds' | 'spent' | 'cutShort'> {
  const { horizon, power, largest, losses, pValues, asked } = found;
  const { alpha, strength } = asked;
  const { samples, division, sides } = searched;
  const W = division.longest;
  const windows = [...new Set([...losses.keys(), ...pValues.keys()])].sort((a, b) => a - b);
  const full = losses.get(W) ?? null;
  const ladder = windows.map((window): LadderRung => {
    const loss = losses.get(window) ?? null;
    const tested = pValues.get(window);
    return {
      window,
      loss,
      gain: loss === null || full === null ? null : loss - full,
      pValue: window === W ? 1 : (tested?.pValue ?? null),
      learner: tested !== undefined && tested.pValue <= alpha ? tested.learner : null,
    };
  });
  const constant = losses.get(0) ?? null;
  let reference = { loss: constant, window: 0 };
  for (const { window, loss } of ladder) {
    if (loss !== null && (reference.loss === null || loss < reference.loss)) reference = { loss, window };
  }
  const ruledOut = largest !== null && largest <= strength;
  const outcome: DependenceOutcome = horizon > 0 ? 'dependence' : ruledOut ? 'none-larger-than' : 'underpowered';
  return {
    horizon,
    interval: [horizon, upperEnd(ladder, found, searched, (constant ?? 0) - (reference.loss ?? 0))],
    alpha,
    ladder,
    power,
    outcome,
    largestNotExcluded: largest,
    needed: !asked.power || ruledOut ? null : Math.ceil((division.cases * (largest ?? 1)) / strength),
    strength,
    reference: { ...reference, constant },
    data: {
      sequences: samples.windows ? 1 : samples.count,
      rows: sides.reduce((sum, { count }) => sum + count, 0),
      units: sides.reduce((sum, { units }) => sum + units, 0),
      unit: division.unit,
      unitSize: division.unitSize,
      longest: W,
      copies: division.copies,
    },
  };
}

/** The window beyond which effects of more than 1% of what can be explained are excluded. */
function upperEnd(
  ladder: readonly LadderRung[],
  { horizon, losses, pValues }: SearchFindings,
  { division, sides }: Searched,
  explained: number,
): number {
  const W = division.longest;
  const constant = losses.get(0) ?? null;
  if (constant === null) return W;
  const margin = 0.005 * Math.max(explained, 0.1 * constant);
  const cases = sides[0].count / (division.unit === 'block' ? sides[0].perUnit : 1);
  let upper = W;
  for (const { window, loss, gain } of [...ladder].reverse()) {
    if (window < horizon) break;
    const tested = pValues.get(window);
    if (window === W) continue;
    if (tested === undefined || loss === null) break;
    const share = (tested.statistic + 2.33) ** 2 / (2 * cases);
    if (Math.max(share * loss, gain ?? 0) > margin) break;
    upper = window;
  }
  return upper;
}
