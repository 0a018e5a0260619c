import { ThroughtimeError } from '../../errors.ts';
import { ExplosionDetector, type Sign, type UpdateLook } from './detector.ts';

/**
 * The `guard` entry of an experiment: what is done about an explosion. `warn`: it is said and recorded. `skip`: an update that would
 * wreck the weights is left out. `rollback`: back to the last good weights, with the learning rate times a factor (0.5 where none is
 * given) from there on. `stop`: the training ends. An update that is not finite never reaches the weights, whatever the guard.
 */
export type GuardOption = 'warn' | 'skip' | 'rollback' | { readonly rollback: number } | 'stop';

/** What becomes of an update. */
export type GuardAction = 'apply' | 'skip' | 'rollback' | 'stop';

/** Rollbacks after which a training that explodes again is stopped. */
const mostRollbacks = 20;

/** Updates without a sign after which a warning of the same kind is worth repeating. */
const quiet = 100;

export interface Judgement {
  readonly sign: Sign | null;
  readonly action: GuardAction;
  /** Whether there is something to say that has not been said lately. */
  readonly news: boolean;
}

/** Judges every update, and decides what becomes of it. */
export class Guard {
  readonly name = 'guard';
  /** By which a rollback multiplies the learning rate. */
  readonly factor: number;
  readonly #kind: 'warn' | 'skip' | 'rollback' | 'stop';
  readonly #detector = new ExplosionDetector();
  /** How often the training has been taken back. */
  rollbacks = 0;
  #lastSign = -Infinity;
  #lastExplosion = -Infinity;
  #warned: Sign['kind'] | null = null;

  constructor(option: GuardOption = 'warn') {
    this.#kind = typeof option === 'string' ? option : 'rollback';
    this.factor = typeof option === 'object' ? option.rollback : 0.5;
    if (!(this.factor > 0 && this.factor < 1)) {
      throw new ThroughtimeError('OPTION_INVALID', `the factor of a rollback is a number above 0 and below 1, got ${this.factor}`, {
        field: 'training.guard.rollback',
      });
    }
  }

  /** The update with the last sign of an explosion; -Infinity where there was none. */
  get lastExplosion(): number {
    return this.#lastExplosion;
  }

  /** Looks at an update before it is applied. */
  judge(update: number, look: UpdateLook): Judgement {
    return this.#decide(update, this.#detector.see(look));
  }

  /** The same for an update that turned out not to be finite while it was applied. */
  refused(update: number, what: string): Judgement {
    return this.#decide(update, { kind: 'nonFinite', exploding: true, because: `not finite: ${what}` });
  }

  #decide(update: number, sign: Sign | null): Judgement {
    if (!sign) return { sign, action: 'apply', news: false };
    const action = this.#action(sign);
    const news = action !== 'apply' || sign.kind !== this.#warned || update - this.#lastSign > quiet;
    this.#warned = sign.kind;
    this.#lastSign = update;
    if (sign.exploding) this.#lastExplosion = update;
    return { sign, action, news };
  }

  #action({ kind, exploding }: Sign): GuardAction {
    if (!exploding) return 'apply';
    if (this.#kind === 'stop') return 'stop';
    if (this.#kind === 'rollback') return ++this.rollbacks > mostRollbacks ? 'stop' : 'rollback';
    if (kind === 'nonFinite') return 'skip';
    // What has diverged has done so by updates before; leaving out this one brings nothing back.
    return this.#kind === 'skip' && kind === 'overshoot' ? 'skip' : 'apply';
  }

  /** All that later decisions depend on. */
  save(): Float64Array {
    const warned = this.#warned === null ? -1 : kinds.indexOf(this.#warned);
    return Float64Array.from([this.rollbacks, this.#lastSign, this.#lastExplosion, warned, ...this.#detector.save()]);
  }

  restore(values: ArrayLike<number>): void {
    [this.rollbacks, this.#lastSign, this.#lastExplosion] = [values[0], values[1], values[2]];
    this.#warned = kinds[values[3]] ?? null;
    this.#detector.restore(Array.from(values).slice(4));
  }
}

const kinds: readonly Sign['kind'][] = ['nonFinite', 'overshoot', 'throughTime', 'divergence', 'spike', 'plateau', 'leap'];
