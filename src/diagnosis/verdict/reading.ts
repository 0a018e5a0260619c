import type { Examination } from '../examination/examination.ts';
import { thresholds } from './thresholds.ts';

/**
 * What several judges need to know of an examination, worked out once. Shares are of all that the data are known to allow: the way from the best
 * constant to the best predictor found (the reference).
 */
export interface Reading {
  /** Whether the data are known to allow anything at all. */
  readonly something: boolean;
  /** Of the loss of the best constant: how much the reference takes away, and how much the network does. */
  readonly allowed: number;
  readonly learned: number;
  /** `learned` over `allowed`: 1 where the network is as good as the reference; NaN where nothing is known to be allowed. */
  readonly share: number;
  /** Standard error of `share`. */
  readonly error: number;
  /** Whether the network has learned what the data are known to allow. */
  readonly complete: boolean;
  /** Whether it has demonstrably not. */
  readonly short: boolean;
  /**
   * Newest inputs that the gradient may reach: those up to the gradient horizon, or a little beyond; and those whose lags add as much to it as others, so that
   * what they lack is updates. Those up to the gradient horizon it reaches surely.
   */
  readonly reached: number;
  readonly surelyReached: number;
  /** The window of truncated BPTT; Infinity of full BPTT, and where it is not known. */
  readonly window: number;
  /** What lies beyond the reached inputs, and beyond the window; and the oldest inputs that are worth anything that matters. */
  readonly beyondReach: Beyond;
  readonly beyondWindow: Beyond;
  readonly farthest: Beyond;
  /** Newest inputs beyond which nothing material lies: at most the data horizon, which what is tiny but certain is a part of. */
  readonly needed: number;
  /** Decades by which the reach of the farthest needed lag exceeds what is needed: in a tenth of the looks, and by how much it grew from the first to the last. */
  readonly margin: number;
  readonly grown: number;
  /** Whether what is far is out of the gradient's reach, as far as that may be the cause. */
  readonly unreached: boolean;
  /** Whether the same network learns what is far once it is brought near, and whether it has been shown that it does not; neither where that was not tried. */
  readonly learnsNear: boolean;
  readonly failsNear: boolean;
  /** Whether updates were left out, so that a loss that is too high says nothing. */
  readonly cut: boolean;
}

/** What inputs older than a window are worth. */
export interface Beyond {
  /** The window of the ladder that was compared: the first one that is not shorter. */
  readonly window: number;
  /** How much lower the reference's loss is with them, as a share of all that the data allow. */
  readonly worth: number;
  /** How much of that the network draws from them: what it loses when they are exchanged, over what they are worth. */
  readonly used: number;
  /** Whether there is something worth having, and whether the network demonstrably draws on it. */
  readonly material: boolean;
  readonly drawn: boolean;
}

export function read(examination: Examination): Reading {
  const { data, loss, gradient, subject, course } = examination;
  const { reference } = data;
  const ladderConstant = reference.constant ?? loss.constant;
  const allowed =
    reference.loss === null || ladderConstant === null || ladderConstant <= 0 ? 0 : Math.max(0, 1 - reference.loss / ladderConstant);
  const learned = loss.model === null || loss.constant === null || loss.constant <= 0 ? Number.NaN : 1 - loss.model / loss.constant;
  // Where the validation part differs from what the data were tested on, the reference's loss says nothing there; a network that has learned something does.
  const below = (1 - thresholds.faint) * (loss.constant ?? Infinity);
  const shown = loss.model !== null && loss.model + thresholds.sure * loss.error < below;
  const sure = data.needed === null || (allowed > thresholds.faint && ((reference.loss ?? 0) < below || shown));
  const something = data.horizon > 0 && allowed > 0 && sure;
  const share = something ? learned / allowed : Number.NaN;
  const error = something && loss.constant !== null ? loss.error / loss.constant / allowed : Number.NaN;
  const solved = learned >= thresholds.solved;
  const farthest = farthestOf(examination);
  const enough = share >= thresholds.complete || (something && 1 - share <= Math.min(2.5 * error, thresholds.mostDoubt));
  // All that is missing bounds what is missing of the far inputs: less than half of their worth, and more than half of it has been learned.
  const has = !farthest.material || farthest.drawn || 1 - share < (1 - thresholds.drawn) * farthest.worth;
  const complete = solved || share >= thresholds.whole || (enough && has);
  const reached =
    gradient === null
      ? 0
      : gradient.often.findLastIndex(
          (each, lag) =>
            each >= gradient.threshold ||
            gradient.usually[lag] >= gradient.threshold - thresholds.grey ||
            gradient.relative[lag] >= -thresholds.level,
        ) + 1;
  const bptt = subject.training?.bptt ?? 'full';
  const window = bptt === 'full' ? Number.POSITIVE_INFINITY : bptt.k2;
  const beyond = (from: number) => beyondOf(examination, from);
  const beyondReach = beyond(reached);
  const { nearer } = examination;
  const learnsNear = nearer !== null && nearer.learned >= thresholds.complete;
  const failsNear =
    nearer !== null &&
    nearer.nearLag <= thresholds.nearLag &&
    nearer.learned < thresholds.half &&
    (nearer.preserved ?? 0) >= thresholds.complete;
  const unreached = beyondReach.material && !beyondReach.drawn && !failsNear && (learnsNear || farthest.window > thresholds.nearLag);
  const at = (reach: readonly number[] | undefined) => reach?.[farthest.window] ?? Number.NaN;
  return {
    ...{ something, allowed, learned, share, error, complete, reached, window, farthest },
    needed: farthest.material ? Math.min(data.horizon, farthest.window + 1) : data.horizon,
    short: something && !complete,
    margin: gradient === null ? Number.NaN : at(gradient.often) - gradient.threshold,
    grown: gradient === null ? Number.NaN : at(gradient.last) - at(gradient.first),
    surelyReached: gradient === null ? 0 : Math.min(reached, gradient.horizon + 1),
    ...{ beyondReach, unreached, learnsNear, failsNear },
    beyondWindow: beyond(window),
    cut: course !== null && course.updates < course.asked && course.stopped !== 'explosion',
  };
}

/** Of the longest window beyond which something material lies; of window 0 where nothing does. */
function farthestOf(examination: Examination): Beyond {
  const windows = examination.data.ladder.map(({ window }) => window).reverse();
  for (const window of windows) {
    const beyond = beyondOf(examination, window);
    if (beyond.material) return beyond;
  }
  return beyondOf(examination, 0);
}

function beyondOf({ data, usage, loss }: Examination, from: number): Beyond {
  const nothing = { window: from, worth: 0, used: Number.NaN, material: false, drawn: false };
  const { reference } = data;
  // Where there was no time for the loss of the best constant on the test's own rows, that on the validation part stands for it.
  const constant = reference.constant ?? loss.constant;
  if (reference.loss === null || constant === null || data.horizon <= from) return nothing;
  const rung = data.ladder.find(({ window, loss: each }) => window >= from && window < data.horizon && each !== null);
  if (!rung || rung.loss === null) return nothing;
  const all = constant - reference.loss;
  const gain = rung.loss - reference.loss;
  const worth = all > 0 ? gain / all : 0;
  const point = usage?.points.find(({ window }) => window === rung.window);
  const scale = loss.constant === null ? 1 : loss.constant / constant;
  const used = point && gain > 0 ? point.gain / (gain * scale) : Number.NaN;
  return {
    window: rung.window,
    worth,
    used,
    material: worth >= thresholds.material,
    drawn: point !== undefined && used >= thresholds.drawn && point.gain > 3 * point.error,
  };
}
