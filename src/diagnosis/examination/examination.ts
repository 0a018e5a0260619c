import type { GradientHorizon } from '../../monitor/gradientHorizon.ts';
import type { HalfLife } from '../../monitor/halfLife.ts';
import type { JacobianSpectrum } from '../../monitor/jacobian.ts';
import type { LagPoint } from '../../monitor/lagProfile.ts';
import type { LyapunovSpectrum } from '../../monitor/lyapunov.ts';
import type { Saturation } from '../../monitor/saturation.ts';
import type { Transport } from '../../monitor/transport.ts';
import type { ModelOptions } from '../../network/model.ts';
import type { TrainingOptions } from '../../training/options.ts';
import type { DependenceReport } from '../dependence/report.ts';
import type { Course } from './course.ts';
import type { Nearer } from './nearer.ts';
import type { Usage } from './usage.ts';

/** What is judged: the network, and how it was trained, where that is known. */
export interface Subject {
  /** `lstm`, or the name of a cell of one's own. */
  readonly cell: string;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly model: ModelOptions;
  /** null for weights of which nothing else is known. */
  readonly training: TrainingOptions | null;
  /** Steps of the longest sequence. */
  readonly longest: number;
  readonly sequences: number;
  /** Whether the data are one stream without end, such as a text. */
  readonly stream: boolean;
}

/** What looks at the network found. */
export interface NetworkLook {
  readonly lagProfile: readonly LagPoint[];
  readonly saturation: readonly Saturation[];
  readonly halfLife: readonly HalfLife[];
  readonly jacobian: JacobianSpectrum | null;
  readonly transport: Transport;
  readonly lyapunov: LyapunovSpectrum;
}

/** The gradient's side; `horizon` is of the lags that a tenth of the looks reach at least, of single looks the best one. */
export interface GradientSide extends GradientHorizon {
  /** Per lag, log10 of the deviations that it comes to at the first look and at the last one; what `reach` is the largest of. */
  readonly first: readonly number[];
  readonly last: readonly number[];
  /**
   * Per lag, log10 of the deviations that it comes to in a tenth of the looks and in a quarter of them: a network that passes through a bifurcation carries
   * its gradient any distance, for a moment.
   */
  readonly often: readonly number[];
  readonly usually: readonly number[];
  /**
   * Per lag, log10 of what it adds to the weight gradient of a sequence, relative to the lag that adds the most: a value that half of the looks
   * reach.
   */
  readonly relative: readonly number[];
  readonly looks: number;
  /** What it was held against: updates and sequences in each. */
  readonly updates: number;
  readonly batchSize: number;
  /** Share of tanh and gate values at their flat ends at the first look and at the last; NaN where it was not measured. */
  readonly saturation: { readonly first: number; readonly last: number };
}

/** Everything that was measured for a diagnosis, and nothing that was concluded from it. */
export interface Examination {
  readonly subject: Subject;
  readonly data: DependenceReport;
  /** How the training went; null for weights from elsewhere. */
  readonly course: Course | null;
  /** Whether all weights are finite; where they are not, there are no looks and no losses. */
  readonly finite: boolean;
  /** Held-out mean losses: of the network, with its standard error, and of the best constant. */
  readonly loss: { readonly model: number | null; readonly error: number; readonly constant: number | null };
  readonly usage: Usage | null;
  readonly gradient: GradientSide | null;
  readonly look: NetworkLook | null;
  /** What the same network makes of the same data brought near; null where that was not tried. */
  readonly nearer: Nearer | null;
}
