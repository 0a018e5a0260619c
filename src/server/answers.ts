/**
 * What the server answers the page with. Numbers that are not finite are null, and said in words beside it where they matter. `run` is the
 * path of a run directory below the folder that is served, "." for that folder itself.
 */
import type { GradientHorizon } from '../monitor/gradientHorizon.ts';
import type { RunRecord } from '../run/runDirectory.ts';
import type { TrainingEvent } from '../training/events.ts';
import type { BucketView } from './buckets.ts';

/** A run in the list, and what is told of it while it is followed. */
export interface RunState {
  readonly run: string;
  /** Of the experiment. */
  readonly name: string;
  readonly status: RunRecord['status'] | 'unreadable';
  /** Why something of the run could not be read; null where all is well. */
  readonly problem: string | null;
  /** Updates made, and those that it is to make. */
  readonly updates: number;
  readonly planned: number;
  /** Of the last update. */
  readonly loss: number | null;
  readonly validationLoss: number | null;
  /** Of the verdict, where there is one. */
  readonly verdict: string | null;
  readonly started: string | null;
  /** Each counts up whenever what its answer says has changed. */
  readonly versions: { readonly updates: number; readonly looks: number; readonly run: number };
}

/** `GET api/runs` */
export interface RunsAnswer {
  /** What is served, as it was named. */
  readonly folder: string;
  readonly runs: RunState[];
  /** Whether there are more runs than are shown. */
  readonly cut: boolean;
}

/** `GET api/run`: everything about a run but its curves. */
export interface RunAnswer {
  readonly state: RunState;
  /** `run.json` as it stands; null where it cannot be read. */
  readonly record: RunRecord | null;
  /** Events of the training, the newest 2000, and how many there are. */
  readonly events: TrainingEvent[];
  readonly eventCount: number;
  /** The first 1000 updates that were not finite, and how many there are. */
  readonly nonFinite: { readonly update: number; readonly what: string }[];
  readonly nonFiniteCount: number;
  readonly verdict: Verdict | null;
  readonly tuneClip: TuneClip | null;
  readonly treat: Treat | null;
  /** Of the looks so far. */
  readonly gradientHorizon: Pick<GradientHorizon, 'horizon' | 'atLeast'> | null;
  /** What the verdict says, or what is known of the task; null where neither says anything. */
  readonly dataHorizon: { readonly horizon: number; readonly from: 'verdict' | 'task' } | null;
}

/** `verdict.json`, as far as it is drawn. */
export interface Verdict {
  readonly verdict: string;
  readonly sick?: boolean;
  readonly findings: {
    readonly kind: string;
    readonly because: string;
    readonly evidence?: Readonly<Record<string, unknown>>;
    readonly prescription?: { readonly set: Readonly<Record<string, unknown>>; readonly why: string }[];
  }[];
  readonly gradientHorizon?: number | null;
  readonly dataHorizon?: number | null;
  readonly dataOutcome?: string | null;
  readonly loss?: Readonly<Record<string, number | null>>;
}

/** `tuneClip.json`: what `throughtime tune-clip` answered about the run. */
export interface TuneClip {
  readonly threshold: number | null;
  readonly explodesWithout?: boolean;
  readonly curve: (number | null)[];
  readonly tried: {
    readonly threshold: number | null;
    readonly stable: boolean;
    readonly why: string;
    readonly clippedFraction?: number | null;
  }[];
}

/** `treat.json`: what `throughtime treat` answered about the run. */
export interface Treat {
  readonly before: { readonly verdict?: string; readonly loss?: number | null } & Readonly<Record<string, unknown>>;
  readonly tried: { readonly change: unknown; readonly verdict: string; readonly loss: number | null; readonly seconds: number | null }[];
  readonly best: unknown;
}

/** `GET api/updates`: what the updates of a span were, in equal spans of `span` updates each. */
export interface UpdatesAnswer {
  /** Updates made so far. */
  readonly updates: number;
  readonly span: number;
  /** The last update of each span. */
  readonly update: number[];
  readonly loss: BucketView;
  readonly validationLoss: BucketView;
  readonly gradientNorm: BucketView;
  readonly clippedNorm: BucketView;
  readonly learningRate: BucketView;
  /** Shares of the updates that were clipped, and that were not finite. */
  readonly clipped: BucketView;
  readonly nonFinite: BucketView;
  /** log10 of the norm of the gradient at the newest and at the oldest step. */
  readonly newest: BucketView;
  readonly oldest: BucketView;
  /** Of the gradient norm in the updates asked for. */
  readonly quantiles: { readonly p50: number; readonly p90: number; readonly p99: number; readonly largest: number } | null;
}

/** A quantity that a monitor measured at each look. */
export interface LookSeries {
  readonly monitor: string;
  /** What the number is, with its layer and state. */
  readonly name: string;
  readonly update: number[];
  readonly value: (number | null)[];
  /** 10th and 90th percentile, where they were measured. */
  readonly low?: (number | null)[];
  readonly high?: (number | null)[];
}

/** `GET api/looks`: the lag profile over the training, and everything that is one number a look. */
export interface LooksAnswer {
  /** The looks that there are, as the updates made before them. */
  readonly looks: number[];
  readonly heat: {
    readonly update: number[];
    /** The first and the last lag of each row, and the mean over them of mean log10 of the norm; null is an exact zero or not measured. */
    readonly lag: readonly [first: number, last: number][];
    /** By look, then by row. */
    readonly value: (number | null)[][];
  };
  readonly series: LookSeries[];
}

/** `GET api/look`: one look. Norms are log10; null is an exact zero. */
export interface LookAnswer {
  readonly update: number;
  readonly lagProfile: {
    readonly lag: number[];
    readonly mean: (number | null)[];
    readonly p10: (number | null)[];
    readonly p90: (number | null)[];
  } | null;
  readonly transport: { readonly lag: number[]; readonly largest: (number | null)[]; readonly rootMeanSquare: (number | null)[] } | null;
  /** From the fastest, in nats per step. */
  readonly lyapunov: (number | null)[] | null;
}

/** A field of the experiments in which runs differ, or their seed. */
export interface TrialField {
  /** Its path, such as `training.clip`. */
  readonly field: string;
  /** Its values in words, in their order; `-` for runs that do not have it. */
  readonly values: string[];
  /** The same as numbers, where every value is one. */
  readonly numbers: number[] | null;
  readonly seed: boolean;
}

/** What a run came to, for pictures of many. */
export interface TrialState {
  readonly run: string;
  /** `exploded`: its guard stopped it; `stopped`, `running` and `killed` have not ended. */
  readonly state: 'done' | 'exploded' | 'stopped' | 'running' | 'killed';
  readonly verdict: string | null;
  /** Whether the result is not finite, or the guard stopped it. */
  readonly failed: boolean;
  readonly result: number | null;
  /** Which value it has of each field, as its place among `values`. */
  readonly at: number[];
}

/** `GET api/trials?under=FOLDER&metric=RESULT`: all runs below a folder, as points. */
export interface TrialsAnswer {
  /** Folders that hold more than one run at any depth, with how many; "" is all of them. */
  readonly folders: { readonly folder: string; readonly runs: number }[];
  /** Results that some run has, by their paths. */
  readonly metrics: string[];
  readonly metric: string;
  /** Such as `accuracy`, where the path of the metric does not say; else null. */
  readonly metricName: string | null;
  readonly better: 'lower' | 'higher';
  readonly fields: TrialField[];
  readonly runs: TrialState[];
}

/** Runs with the same values of one or two fields. */
export interface GridCell {
  /** Places among the values of the fields; `y` is 0 where there is one field alone. */
  readonly x: number;
  readonly y: number;
  readonly n: number;
  readonly failed: number;
  /** Runs that did not measure it. */
  readonly missing: number;
  /** Of the result over the runs that neither failed nor lack it. */
  readonly mean: number | null;
  readonly deviation: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly verdicts: Readonly<Record<string, number>>;
  /** Their names. */
  readonly runs: readonly string[];
}

/** `GET api/grid?under=FOLDER&metric=RESULT&x=FIELD&y=FIELD`: the ended runs below a folder by one or two fields. */
export interface GridAnswer {
  readonly metric: string;
  /** Such as `accuracy`, where the path of the metric does not say; else null. */
  readonly metricName: string | null;
  readonly better: 'lower' | 'higher';
  readonly x: TrialField;
  readonly y: TrialField | null;
  readonly cells: GridCell[];
  /** Further fields in which the runs differ, seeds aside: a cell pools their values. */
  readonly pooled: readonly string[];
  /** Runs that have not ended, and are in no cell. */
  readonly unfinished: number;
}
