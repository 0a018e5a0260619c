import { explosion } from '../../training/guard/explosion.ts';

/**
 * What the judges hold numbers against. Chosen on the trainings of `npm run calibrate -- --choose`; how often the verdicts are right on
 * others is in docs/diagnosis.md.
 */
export const thresholds = {
  /** Share of the constant's loss that the reference must take away where the data are too few for the test's power: less may be an accident. */
  faint: 0.03,
  /** Share of what the data allow from which on a network has learned it, if it draws on the oldest inputs that matter; and whether or not. */
  complete: 0.8,
  whole: 0.97,
  /** Share of the constant's loss that is gone, from which on there is nothing left to learn that would matter. */
  solved: 0.97,
  /** The largest share that may be missing and yet be put down to the noise of the validation. */
  mostDoubt: 0.35,
  /** Share of what the data allow that inputs must be worth to be missed. */
  material: 0.06,
  /** Share of what inputs are worth that a network draws from them if it uses them. */
  drawn: 0.5,
  /**
   * Steps over which a gradient fades in no network that is large enough to learn anything: what fails there fails for another reason, unless the same network
   * learns it nearer still. And the share of what is far that a network does not learn there if it cannot.
   */
  nearLag: 4,
  half: 0.5,
  /** Decades below what is needed up to which a lag may yet be reached: the calibration of the gradient horizon leaves them open. */
  grey: 0.8,
  /** Decades below the lag that adds the most to the gradient within which a lag does not vanish, however small all are beside the noise. */
  level: 2,
  /**
   * Decades below what is needed at which the gradient clearly would not reach, window or no window: of cells whose gates may open while they
   * learn, and of others.
   */
  clearlyOut: { gated: 12, plain: 4 },
  /** Powers of ten by which the gradient grows through time in an explosion, and the share of the updates that are to show it. */
  growth: explosion.decades,
  growthShare: 0.3,
  /** Share of the updates that is the beginning of a training, and share of values at their flat ends at which a network is stuck there. */
  beginning: 0.15,
  stuck: 0.5,
  /** Share of updates that are not finite, or overshoot, which make up a training that is wrecked. */
  wrecked: 0.2,
  /** The last losses over those of the best constant, or over the lowest level before, from which on a training has diverged. */
  diverged: 1.08,
  risen: 1.1,
  /** Level of the first tenth of the losses over that of the first one and of the best constant, from which on steps have thrown the weights somewhere. */
  thrown: 1.3,
  /** Standard deviations by which a level has to differ from another, beyond what minibatches differ from each other. */
  sure: 4,
  /** Share of a sequence that a data horizon is short in. */
  shortShare: 1 / 6,
  /** Share of what the data allow that is enough to know where there is nothing far back. */
  shortComplete: 0.7,
  /** Decades by which the reach of the farthest needed lag grows while training, from which on it is on its way. */
  coming: 1,
} as const;
