import type { NormGrowth } from '../../monitor/normGrowth.ts';
import { explosion, isExplosion, luck } from './explosion.ts';
import { LossCurve } from './lossCurve.ts';

/**
 * A step along the gradient that would, to first order, lower the loss by this many times the loss itself. For a quadratic loss that
 * is nowhere negative, more than 4 proves that gradient descent with this step diverges (docs/math/detector.md); losses are not
 * quadratic, so that it takes several, or one that is far beyond.
 */
const overshoots = 4;
const overshootsOf = 5;
const overshootsNeeded = 3;
const farOvershoot = 30;
/** Where the loss can be wrecked by way of the read-out alone, the read-out's part of the step has to take more than so many losses. */
const byReadout = 1;
/** A loss below this share of how high it was in the beginning has little left to lose: overshoots there are the restlessness of a converged network. */
const worthwhile = 0.1;
/** Share of the growth through time that the older half has at least. */
const grownInOlderHalf = 0.3;

/** What is seen of one update before it is applied. */
export interface UpdateLook {
  readonly loss: number;
  /** ‖g‖₂ before clipping. */
  readonly gradientNorm: number;
  /** What was not finite, if anything. */
  readonly nonFinite?: string | null;
  /**
   * By how much the step at hand lowers the loss to first order: gᵀΔ, which for gradient descent is learningRate · ‖g‖² after clipping. Absent
   * or null for an optimizer whose step does not grow with the gradient.
   */
  readonly decrease?: number | null;
  /**
   * The part of `decrease` that the read-out's weights take, where all that they read is bounded, whatever the other weights become. Absent or
   * null where it may grow.
   */
  readonly readoutDecrease?: number | null;
  /**
   * By how much the first step of all lowers the loss to first order, for an optimizer that sets the length of its steps itself: gᵀΔ.
   * Absent or null for others, and at later updates: once the steps have a history, they do not grow with the gradient.
   */
  readonly firstDecrease?: number | null;
  /** Sequences that the loss is a mean of; 1 where it is not said, which believes a loss the least. */
  readonly sequences?: number;
  /** Of the gradient through time, where it was measured. */
  readonly growth?: NormGrowth | null;
}

/**
 * `nonFinite`, `overshoot` and `divergence` are signs of an explosion. A gradient that grows `throughTime` may become one, and so may a `leap` of
 * weights behind a state that is bounded; a `spike` of the loss and a `plateau` above the level before it are signs of an unstable learning curve.
 */
export type SignKind = 'nonFinite' | 'overshoot' | 'leap' | 'throughTime' | 'divergence' | 'spike' | 'plateau';

/** What the detector saw in an update. */
export interface Sign {
  readonly kind: SignKind;
  /** Whether it is one of an explosion. */
  readonly exploding: boolean;
  /** One plain sentence with the numbers. */
  readonly because: string;
}

/**
 * Judges each update by what is known before it is applied, and says when the gradient explodes: before the weights are gone, where
 * that can be seen. Scale-free: a loss and its gradient may be of any size.
 *
 * @example
 * ```ts
 * import { ExplosionDetector } from 'throughtime';
 *
 * const detector = new ExplosionDetector();
 * // A step along the gradient would lower the loss of 1 by 50.
 * const sign = detector.see({ loss: 1, gradientNorm: 10, decrease: 0.5 * 10 ** 2 });
 * console.log(sign?.kind); // overshoot
 * ```
 */
export class ExplosionDetector {
  readonly #curve = new LossCurve();
  /** Whether each of the newest updates overshot, the newest in bit 0. */
  #overshot = 0;

  /** The sign that this update gives, the gravest where there are several; null where all is well. */
  see(look: UpdateLook): Sign | null {
    const { loss, gradientNorm, nonFinite = null, decrease = null, readoutDecrease = null } = look;
    const { firstDecrease = null, growth = null, sequences = 1 } = look;
    const { level, height } = this.#curve;
    const curve = this.#curve.see(loss, sequences);
    if (nonFinite !== null || !Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      return signOf('nonFinite', `not finite: ${nonFinite ?? (Number.isFinite(loss) ? 'gradient' : 'loss')}`);
    }
    const scale = Math.max(loss, Number.isNaN(level) ? 0 : level, Number.isNaN(height) ? 0 : worthwhile * height);
    const overshoot = decrease !== null && scale > 0 ? decrease / scale : 0;
    this.#overshot = ((this.#overshot << 1) | Number(overshoot > overshoots)) & (2 ** overshootsOf - 1);
    let leap: Sign | null = null;
    if (overshoot > farOvershoot || (overshoot > overshoots && ones(this.#overshot) >= overshootsNeeded)) {
      const sentence = `the gradient's norm is ${say(gradientNorm)}, and a step along it would lower the loss of ${say(loss)} by ${say(decrease as number)}`;
      const times = `${sentence}, ${say(overshoot)} times all there is to lower`;
      if (readoutDecrease === null || readoutDecrease > byReadout * scale) return signOf('overshoot', times);
      leap = signOf('leap', `${times}; the state is bounded, and the read-out, by way of which the loss can grow, hardly moves`);
    }
    // With steps of a fixed length this ratio is the larger, the smaller the loss happens to be; with the root, like the gradient itself.
    if (firstDecrease !== null && loss > 0 && firstDecrease / loss > farOvershoot / Math.sqrt(luck(sequences))) {
      const sentence = `the first step would, to first order, lower the loss of ${say(loss)} by ${say(firstDecrease)}`;
      return signOf(
        'overshoot',
        `${sentence}, ${say(firstDecrease / loss)} times all there is to lower: the learning rate is far too large`,
      );
    }
    const numbers = curve ? `${say(curve.loss)}, and the level before was ${say(curve.level)}` : '';
    if (curve?.kind === 'divergence') return signOf('divergence', `the loss of the newest updates is ${numbers}`);
    if (leap) return leap;
    if (
      growth &&
      growth.oldest - growth.newest > explosion.decades &&
      growth.oldest - growth.middle > grownInOlderHalf * (growth.oldest - growth.newest)
    ) {
      const decades = growth.oldest - growth.newest;
      return signOf(
        'throughTime',
        `on its way back through ${Math.round(growth.lag)} steps the gradient grows by a factor of 10^${decades.toFixed(1)}`,
      );
    }
    if (!curve) return null;
    if (curve.kind === 'spike') return signOf('spike', `the loss jumped to ${numbers}`);
    return signOf('plateau', `since a spike of the loss it has stayed at ${numbers}`);
  }

  /** All that later judgements depend on. */
  save(): Float64Array {
    return Float64Array.from([this.#overshot, ...this.#curve.save()]);
  }

  /** Goes on from what `save` gave. */
  restore(values: ArrayLike<number>): void {
    this.#overshot = values[0];
    this.#curve.restore(values, 1);
  }
}

const signOf = (kind: SignKind, because: string): Sign => ({ kind, exploding: isExplosion(kind), because });

function ones(bits: number): number {
  let count = 0;
  for (; bits > 0; bits >>= 1) count += bits & 1;
  return count;
}

/** A number for people, scientific where it is very small or large. */
function say(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}
