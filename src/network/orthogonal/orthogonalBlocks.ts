import type { Backend, Reals } from '../../compute/backend.ts';
import type { OrthogonalMap } from './orthogonal.ts';
import { Squares } from './squares.ts';

/** Smaller numbers of A are 0: a float32 backend would compute slowly with them. */
const least = 2 ** -100;
/** A rotation by more than so many radians in one update says nothing; the update is refused like one that is not finite. */
const furthest = 2 ** 20;

/** One square block of a recurrent matrix, where it lies. */
interface Block {
  readonly parameter: string;
  readonly values: Reals;
  readonly gradient: Reals;
  /** The matrix that the update at hand begins with. */
  readonly kept: Reals;
}

/**
 * Square blocks that stay orthogonal through a training. An optimizer works on them as on everything else, but what it sees are the
 * parameters of the neighbourhood of each matrix W (`orthogonal.ts`): numbers A that are 0 before the update, and their gradient
 * Wᵀ G - Gᵀ W. It treats A and -Aᵀ alike, so that A stays skew-symmetric. Its carried arrays are those of A, and the weights are the
 * matrices themselves: there is nothing else to keep in a checkpoint.
 */
export class OrthogonalBlocks {
  readonly map: OrthogonalMap;
  /** Of A; undefined where it is a share of the training's. */
  readonly learningRate: number | undefined;
  readonly #H: number;
  readonly #squares: Squares;
  readonly #blocks: readonly Block[];
  readonly #A: Reals;

  /** @param matrices parameters of [G*H, H], of which each of the G blocks stays orthogonal by itself. */
  constructor(
    backend: Backend,
    H: number,
    matrices: readonly { readonly name: string; readonly values: Reals; readonly gradient: Reals }[],
    map: OrthogonalMap,
    learningRate: number | undefined,
  ) {
    const size = H * H;
    this.map = map;
    this.learningRate = learningRate;
    this.#H = H;
    this.#squares = new Squares(backend, H);
    this.#A = backend.allocate(size);
    this.#blocks = matrices.flatMap(({ name, values, gradient }) =>
      Array.from({ length: values.length / size }, (_, gate) => ({
        parameter: name,
        values: values.subarray(gate * size, (gate + 1) * size),
        gradient: gradient.subarray(gate * size, (gate + 1) * size),
        kept: backend.allocate(size),
      })),
    );
  }

  /** Numbers that it holds in the backend's memory, beside the parameters. */
  get length(): number {
    return (this.#blocks.length + this.#squares.scratch.length + 2) * this.#H ** 2;
  }

  /** Before an optimizer's update: in place of dL/dW there is dL/dA, and in place of W there is A = 0. */
  begin(): void {
    const H = this.#H;
    for (const { values, gradient, kept } of this.#blocks) {
      const product = this.#squares.scratch[0];
      this.#squares.transposedProduct(values, gradient, product);
      for (let i = 0; i < H; i++) {
        for (let j = 0; j <= i; j++) {
          const slope = product[i * H + j] - product[j * H + i];
          gradient[i * H + j] = slope;
          gradient[j * H + i] = -slope;
        }
      }
      kept.set(values);
      values.fill(0);
    }
  }

  /**
   * After it: in place of A there is W f(A).
   *
   * @param factor of A: its own learning rate over the one that the optimizer was given.
   * @returns null, or the name of the parameter whose A is not finite or too large to mean anything; all blocks are as before then.
   */
  finish(factor: number): string | null {
    for (const { parameter, values, kept } of this.#blocks) {
      const bound = this.#skew(values, factor);
      if (!(bound < furthest)) {
        for (const each of this.#blocks) each.values.set(each.kept);
        return parameter;
      }
      if (bound === 0) values.set(kept);
      else this.map.move(this.#squares, kept, this.#A, bound, values);
    }
    return null;
  }

  /** A <- factor * the skew-symmetric part of what the optimizer left. Returns a bound of ‖A‖₂: the largest row sum, or ‖A‖_F / sqrt(2). */
  #skew(moved: Reals, factor: number): number {
    const H = this.#H;
    const A = this.#A;
    let squares = 0;
    let largest = 0;
    for (let i = 0; i < H; i++) {
      let row = 0;
      for (let j = 0; j < H; j++) {
        const value = (factor / 2) * (moved[i * H + j] - moved[j * H + i]);
        const magnitude = Math.abs(value);
        A[i * H + j] = magnitude < least ? 0 : value;
        squares += value * value;
        row += magnitude;
      }
      if (!(row <= largest)) largest = row;
    }
    // The singular values of a skew-symmetric matrix come in pairs. A NaN is a bound of nothing, and stays.
    return Math.min(largest, Math.sqrt(squares / 2));
  }
}
