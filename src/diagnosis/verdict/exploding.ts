import { isExplosion } from '../../training/guard/explosion.ts';
import type { Course } from '../examination/course.ts';
import type { Examination } from '../examination/examination.ts';
import { smallerSteps } from './cures.ts';
import type { Reading } from './reading.ts';
import { thresholds } from './thresholds.ts';
import type { Judge, Opinion } from './verdict.ts';
import { percent, say } from './words.ts';

/**
 * Updates were wrecked: values that are not finite, a gradient that grows through time, steps that overshoot, a loss that diverges; and the
 * training has not come back from it. Where it has, that is a finding beside the verdict.
 */
export const exploding: Judge = {
  kind: 'exploding',
  judge(examination, reading): Opinion | null {
    const { finite, course, subject } = examination;
    const signs = course ? signsOf(course, examination, reading) : signsOfWeights(examination, reading);
    if (!finite) signs.unshift({ update: course?.nonFinite.first ?? 0, said: 'the weights are not finite' });
    if (signs.length === 0) return null;
    const growth = course?.growth ?? null;
    const byRate = growth !== null && growth.largest < thresholds.growth;
    const unlearned = !reading.complete && (reading.something || (course !== null && isWorse(course, examination)));
    const decisive = !finite || (course === null ? unlearned : isLost(course, examination) || (unlearned && isCause(course, examination)));
    const end = decisive
      ? course
        ? `, and the training did not come back: its loss ends at ${say(course.loss.last)}, where a constant has ${say(examination.loss.constant)}`
        : `, at a loss of ${say(examination.loss.model)}, where a constant has ${say(examination.loss.constant)}`
      : '; the training has come back from it';
    return {
      decisive,
      finding: {
        kind: 'exploding',
        because: `${sentence(signs)}${end}.`,
        evidence: {
          firstUpdate: signs[0].update,
          nonFiniteUpdates: course?.nonFinite.count ?? null,
          largestNorm: course?.norm.largest ?? null,
          medianNorm: course?.norm.median ?? null,
          growthDecades: growth?.largest ?? null,
          growthShare: growth?.share ?? null,
          lossLowest: course?.loss.lowest ?? null,
          lossLast: course?.loss.last ?? examination.loss.model,
          lossConstant: examination.loss.constant,
        },
        prescription: decisive ? smallerSteps(subject, byRate) : [],
      },
    };
  },
};

interface Said {
  readonly update: number;
  readonly said: string;
}

function signsOf(course: Course, examination: Examination, reading: Reading): Said[] {
  const found: Said[] = [];
  for (const { update, kind, because, count } of course.signs) {
    if (!throwsWeights(kind)) continue;
    found.push({ update, said: `at update ${update}${count > 1 ? `, the first of ${count}` : ''}, ${because}` });
  }
  const { growth } = course;
  if (growth && (growth.early > thresholds.growth || growth.share >= thresholds.growthShare)) {
    found.push({
      update: 1,
      said:
        `on its way back through time the gradient grows by a factor of 10^${growth.early.toFixed(1)} in the first updates, ` +
        `and by more than 10^${thresholds.growth} in ${percent(growth.share)} of all`,
    });
  }
  if (isThrown(course, examination)) {
    found.push({
      update: 1,
      said: `the first updates take the loss from ${say(course.loss.begin)} to a level of ${say(course.loss.first)}, above that of a constant`,
    });
  }
  if (!reading.complete && isWorse(course, examination)) {
    const neverBack = course.loss.begin < course.loss.lowest;
    found.push({
      update: neverBack ? 1 : course.loss.at,
      said: neverBack
        ? `the loss of the updates begins at ${say(course.loss.begin)}, and no step has brought it there again`
        : `after ${course.loss.at} updates at a level of ${say(course.loss.lowest)} the loss of the updates has risen, and stays above that of a constant`,
    });
  }
  return found.sort((a, b) => a.update - b.update);
}

/** An explosion, or a leap: that wrecks no loss, but may leave a network where it learns no more. */
const throwsWeights = (kind: string) => isExplosion(kind) || kind === 'leap';

/** Whether the signs explain that a training has not learned: they are of most of its updates, or it has stayed where the first ones threw it. */
function isCause(course: Course, examination: Examination): boolean {
  const { updates, signs, nonFinite, growth } = course;
  if (isWorse(course, examination) || nonFinite.count > thresholds.wrecked * updates) return true;
  if (growth && growth.share >= thresholds.growthShare) return true;
  const early =
    signs.some(({ kind, update }) => throwsWeights(kind) && update <= thresholds.beginning * updates) ||
    (growth?.early ?? 0) > thresholds.growth ||
    isThrown(course, examination);
  return early && isStuck(examination);
}

/** Whether the first tenth of the updates has made the loss much worse than it was, and than a constant's. */
function isThrown({ updates, loss: { begin, first } }: Course, { loss: { constant } }: Examination): boolean {
  return updates > 0 && constant !== null && first > thresholds.thrown * Math.max(begin, constant);
}

/**
 * Whether the losses of the last updates are worse than a constant's, by more than the minibatches differ from one another, and worse than they have been:
 * than in some tenth of the updates, or, where no tenth was any better than a constant, than before the first.
 */
function isWorse({ updates, loss: { begin, lastMean, last, lowest, spread } }: Course, { loss }: Examination): boolean {
  if (updates === 0) return false;
  if (!Number.isFinite(lastMean)) return true;
  if (loss.constant === null) return false;
  const doubt = (thresholds.sure * spread) / Math.sqrt(Math.max(1, updates / 10));
  const bound = Math.max(thresholds.diverged * loss.constant, loss.constant + doubt);
  if (Math.min(last, lastMean) <= bound) return false;
  return last > Math.max(thresholds.risen * lowest, lowest + doubt) || (lowest > bound && last > thresholds.risen * begin);
}

/** Whether most of what had been learned is gone at the end. */
function isLost({ updates, loss: { lowest, last, lastMean } }: Course, { loss: { constant } }: Examination): boolean {
  if (updates === 0) return false;
  if (!Number.isFinite(lastMean)) return true;
  return constant !== null && lowest < 0.8 * constant && last - lowest > 0.5 * (constant - lowest);
}

/** Whether most values are at the flat ends of their functions. */
function isStuck({ gradient }: Examination): boolean {
  return gradient !== null && gradient.saturation.last > thresholds.stuck;
}

/** Of weights alone: what they do to a gradient, and how bad they are. */
function signsOfWeights({ look, loss }: Examination, reading: Reading): Said[] {
  if (!look || reading.complete) return [];
  const found: Said[] = [];
  const [first, ...rest] = look.lagProfile;
  const grows = rest.reduce((most, { meanLog10 }) => Math.max(most, meanLog10 - first.meanLog10), -Infinity);
  if (grows > thresholds.growth)
    found.push({ update: 0, said: `on its way back through time the gradient grows by a factor of 10^${grows.toFixed(1)}` });
  const tanh = look.saturation.filter(({ kind }) => kind === 'tanh');
  const driven = tanh.reduce((sum, { low, high }) => sum + low + high, 0) / Math.max(1, tanh.length);
  if (driven > 0.6 && loss.model !== null && loss.constant !== null && loss.model > thresholds.diverged * loss.constant) {
    found.push({
      update: 0,
      said: `${percent(driven)} of the states are at the flat ends of tanh, as updates that were far too large leave them`,
    });
  }
  return found;
}

function sentence(signs: readonly Said[]): string {
  const [first, second] = signs;
  const text = second ? `${first.said}; ${second.said}` : first.said;
  return text[0].toUpperCase() + text.slice(1);
}
