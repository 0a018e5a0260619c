/** One window of the ladder. */
export interface LadderRung {
  /** How many of the newest inputs are given; 0: none. */
  readonly window: number;
  /** Held-out loss of the best predictor found for this window, in the data set's unit; null where there was no time, or too many outputs. */
  readonly loss: number | null;
  /** How much lower the held-out loss is with everything older as well. Estimated, so it may be slightly negative. */
  readonly gain: number | null;
  /**
   * Of the hypothesis that nothing older than the window helps, given the window; adjusted for all windows and learners, so that it is
   * held against `alpha` as it is. null where it was not tested.
   */
  readonly pValue: number | null;
  /** What found it, where something was found. */
  readonly learner: string | null;
}

/** A dependence of known strength, planted into these data. */
export interface PowerPoint {
  /** The target was made to depend on the input so many steps before the newest. */
  readonly lag: number;
  /** Share of what the newest inputs leave open: of the variance (numbers), or of the rows whose target was set (classes, binary). */
  readonly strength: number;
  readonly detected: boolean;
}

/** What a test of the data says: they have a dependency, none beyond what was looked at, or the test had not the power to decide. */
export type DependenceOutcome = 'dependence' | 'none-larger-than' | 'underpowered';

/** What the data alone say about how far back a prediction has to look. */
export interface DependenceReport {
  /**
   * Length of the shortest window beyond which older inputs were not shown to add anything: they were shown to add something beyond
   * every shorter one. With probability 1 - alpha the truth is not below.
   */
  readonly horizon: number;
  /** The horizon, and the window beyond which effects larger than 1% of what can be explained are excluded (the longest, if none is). */
  readonly interval: readonly [number, number];
  /** The chance that `horizon` is larger than the truth, at most. */
  readonly alpha: number;
  readonly ladder: readonly LadderRung[];
  readonly power: readonly PowerPoint[];
  readonly outcome: DependenceOutcome;
  /** The weakest planted dependence that was found at every lag from the horizon on; null where one lag showed none at all. */
  readonly largestNotExcluded: number | null;
  /** About how many sequences (steps of a stream) it takes to find a dependence of `strength` at every lag; null where these do. */
  readonly needed: number | null;
  /** The strength that has to be found for "none larger than". */
  readonly strength: number;
  /** The best held-out loss that was reached, with which window; and that of the best constant. What a network should reach. */
  readonly reference: { readonly loss: number | null; readonly window: number; readonly constant: number | null };
  /** What was looked at. */
  readonly data: {
    readonly sequences: number;
    readonly rows: number;
    readonly units: number;
    readonly unit: 'sequence' | 'sequences' | 'block';
    readonly unitSize: number;
    /** The longest window that was looked at. */
    readonly longest: number;
    /** Sequences that merely repeat another one, inputs and targets, and are counted once. */
    readonly copies: number;
  };
  readonly seconds: number;
  /** What the time went on, in seconds. */
  readonly spent: Readonly<Record<string, number>>;
  /** What the time was not enough for; empty where all was done. What was cut short is no evidence of absence. */
  readonly cutShort: readonly string[];
}

/** The held-out loss that a window allows: of the longest one in the ladder that is not longer. */
export function lossOfWindow({ ladder }: DependenceReport, window: number): number | null {
  let loss: number | null = null;
  for (const rung of ladder) if (rung.window <= window && rung.loss !== null && (loss === null || rung.loss < loss)) loss = rung.loss;
  return loss;
}
