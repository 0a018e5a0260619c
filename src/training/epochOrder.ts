import { Random, seedFor } from '../compute/random.ts';

/** Sequences from which on the order is computed rather than kept: an array of it would take 4 bytes for each. */
const mostKept = 2 ** 20;

/**
 * The order in which an epoch goes through N sequences: a permutation that depends on (seed, epoch) alone. Up to 2^20 of them are shuffled
 * (`Random.shuffle`), each order equally likely. More are put through a keyed permutation of the indices that needs no memory: a
 * Feistel network of six rounds (Luby & Rackoff 1988, "How to construct pseudorandom permutations from pseudorandom functions") over the
 * smallest 2^n >= N, gone through again where the result is N or more (Black & Rogaway 2002, "Ciphers with arbitrary finite
 * domains", section 5, cycle walking).
 */
export class EpochOrder {
  readonly count: number;
  readonly #seed: number;
  readonly #kept: Int32Array | undefined;
  readonly #keys = new Uint32Array(6);
  #epoch = -1;

  /** @param most indices that are kept in memory; for tests. */
  constructor(count: number, seed: number, most = mostKept) {
    this.count = count;
    this.#seed = seed;
    this.#kept = count <= most ? new Int32Array(count) : undefined;
  }

  /** Fills `into` with the sequences at places from `from` on of an epoch; how many there are is `into.length`. */
  read(epoch: number, from: number, into: Int32Array): void {
    if (epoch !== this.#epoch) this.#begin(epoch);
    for (let i = 0; i < into.length; i++) into[i] = this.#kept ? this.#kept[from + i] : this.#permuted(from + i);
  }

  #begin(epoch: number): void {
    const random = new Random(seedFor(this.#seed, 'order', epoch));
    this.#epoch = epoch;
    if (this.#kept) {
      for (let i = 0; i < this.count; i++) this.#kept[i] = i;
      random.shuffle(this.#kept);
    } else {
      for (let round = 0; round < this.#keys.length; round++) this.#keys[round] = random.bits();
    }
  }

  #permuted(index: number): number {
    const bits = Math.max(2, 32 - Math.clz32(this.count - 1));
    const low = bits >> 1;
    const lowMask = 2 ** low - 1;
    const highMask = 2 ** (bits - low) - 1;
    do {
      let right = index & lowMask;
      let left = index >>> low;
      for (let round = 0; round < this.#keys.length; round += 2) {
        left ^= hash(right, this.#keys[round]) & highMask;
        right ^= hash(left, this.#keys[round + 1]) & lowMask;
      }
      index = left * 2 ** low + right;
    } while (index >= this.count);
    return index;
  }
}

/** A multiply-xorshift hash of a number under a key. */
function hash(value: number, key: number): number {
  let word = Math.imul(value ^ key, 0x21f0aaad);
  word = Math.imul(word ^ (word >>> 15) ^ key, 0x735a2d97);
  word = Math.imul(word ^ (word >>> 15), 0x9e3779b1);
  return word ^ (word >>> 16);
}
