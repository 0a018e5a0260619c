import type { NormGrowth } from '../../monitor/normGrowth.ts';
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
/** A loss below this share of how high it was in the beginning has little left to lose: overshoots there are the restlessness of a converged network. */
const worthwhile = 0.1;
/** Powers of ten by which the gradient grows from the newest to the oldest step, at least; the older half has its share. */
const grown = 4;
const grownInOlderHalf = 0.3;

/** What is seen of one update before it is applied. */
export interface UpdateLook {
  readonly loss: number;
  /** ‖g‖₂ before clipping. */
  readonly gradientNorm: number;
  /** What was not finite, if anything. */
  readonly nonFinite?: string | null;
  /**
   * By how much the step at hand lowers the loss to first order: for gradient descent learningRate · ‖g‖² after clipping, with momentum β
   * that over 1 - β. Absent or null for an optimizer whose step does not grow with the gradient.
   */
  readonly decrease?: number | null;
  /** Of the gradient through time, where it was measured. */
  readonly growth?: NormGrowth | null;
}

/**
 * `nonFinite`, `overshoot`, `throughTime`, `divergence` are signs of an explosion; a `spike` of the loss and a `plateau` above the level
 * before it are signs of an unstable learning curve.
 */
export type SignKind = 'nonFinite' | 'overshoot' | 'throughTime' | 'divergence' | 'spike' | 'plateau';

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
 */
export class ExplosionDetector {
  readonly #curve = new LossCurve();
  /** Whether each of the newest updates overshot, the newest in bit 0. */
  #overshot = 0;

  /** The sign that this update gives, the gravest where there are several; null where all is well. */
  see({ loss, gradientNorm, nonFinite = null, decrease = null, growth = null }: UpdateLook): Sign | null {
    const { level, height } = this.#curve;
    const curve = this.#curve.see(loss);
    if (nonFinite !== null || !Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      return exploding('nonFinite', `not finite: ${nonFinite ?? (Number.isFinite(loss) ? 'gradient' : 'loss')}`);
    }
    const scale = Math.max(loss, Number.isNaN(level) ? 0 : level, Number.isNaN(height) ? 0 : worthwhile * height);
    const overshoot = decrease !== null && scale > 0 ? decrease / scale : 0;
    this.#overshot = ((this.#overshot << 1) | Number(overshoot > overshoots)) & (2 ** overshootsOf - 1);
    if (overshoot > farOvershoot || (overshoot > overshoots && ones(this.#overshot) >= overshootsNeeded)) {
      const sentence = `the gradient's norm is ${say(gradientNorm)}, and a step along it would lower the loss of ${say(loss)} by ${say(decrease as number)}`;
      return exploding('overshoot', `${sentence}, ${say(overshoot)} times all there is to lower`);
    }
    if (
      growth &&
      growth.oldest - growth.newest > grown &&
      growth.oldest - growth.middle > grownInOlderHalf * (growth.oldest - growth.newest)
    ) {
      const decades = growth.oldest - growth.newest;
      return exploding(
        'throughTime',
        `on its way back through ${Math.round(growth.lag)} steps the gradient grows by a factor of 10^${decades.toFixed(1)}`,
      );
    }
    if (!curve) return null;
    const numbers = `${say(curve.loss)}, and the level before was ${say(curve.level)}`;
    if (curve.kind === 'divergence') return exploding('divergence', `the loss of the newest updates is ${numbers}`);
    if (curve.kind === 'spike') return { kind: 'spike', exploding: false, because: `the loss jumped to ${numbers}` };
    return { kind: 'plateau', exploding: false, because: `since a spike of the loss it has stayed at ${numbers}` };
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

const exploding = (kind: SignKind, because: string): Sign => ({ kind, exploding: true, because });

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
