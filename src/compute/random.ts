import { ThroughtimeError } from '../errors.ts';

/**
 * A seeded stream of random numbers: xoshiro128** (Blackman & Vigna 2021, "Scrambled linear pseudorandom number
 * generators", section 4), its four words filled from the two halves of the seed by splitmix32. The same seed gives the same
 * numbers on every machine, and the state can be written down and taken up again.
 */
export class Random {
  readonly #words = new Uint32Array(4);

  /** @param seed a whole number; only its lowest 53 bits count. */
  constructor(seed: number) {
    this.restart(seed);
  }

  /** Begins anew, as one just made with this seed. */
  restart(seed: number): void {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new ThroughtimeError('OPTION_INVALID', `a seed is a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, got ${seed}`);
    }
    const low = seed >>> 0;
    const high = Math.floor(seed / 2 ** 32);
    for (let i = 0; i < 4; i++) {
      // Each half of the seed goes its own way through the sequence, so that no two seeds share a state.
      let word = ((i % 2 === 0 ? low : high) + Math.imul(i + 1, 0x9e3779b9)) >>> 0;
      word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      this.#words[i] = word ^ (word >>> 15);
    }
    for (let i = 0; i < 8; i++) this.bits();
  }

  /** The four 32-bit words of the state. */
  get state(): number[] {
    return [...this.#words];
  }

  set state(words: readonly number[]) {
    this.#words.set(words);
  }

  /** A whole number from 0 to 2^32 - 1. */
  bits(): number {
    const s = this.#words;
    const product = Math.imul(s[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** A number in [0, 1) with 53 random bits. */
  uniform(): number {
    const high = this.bits() >>> 5;
    const low = this.bits() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** A whole number from 0 to `count - 1`, each equally likely. */
  below(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** A number of the standard normal distribution (Box & Muller 1958; one of the pair is used, so that no value is kept back). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Brings the values into a random order, each order equally likely (Fisher & Yates). */
  shuffle(values: Int32Array | Uint32Array | unknown[]): void {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = values[i];
      values[i] = values[j] as never;
      values[j] = kept as never;
    }
  }
}

/**
 * A seed of its own for each purpose and index, made from one seed: what is drawn for one purpose does not depend on how
 * much was drawn for another, and a run can be taken up in its middle. The parts are mixed by a multiply-xorshift hash.
 */
export function seedFor(seed: number, purpose: string, index = 0): number {
  let low = 0x9e3779b9;
  let high = 0x85ebca6b;
  const mix = (word: number) => {
    low = Math.imul(low ^ word, 0x21f0aaad);
    low ^= low >>> 15;
    high = Math.imul(high ^ low ^ (word >>> 7), 0x735a2d97);
    high ^= high >>> 13;
  };
  for (const number of [seed, index]) {
    mix(number >>> 0);
    mix(Math.floor(number / 2 ** 32));
  }
  for (let i = 0; i < purpose.length; i++) mix(purpose.charCodeAt(i));
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}
