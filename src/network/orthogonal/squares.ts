import type { Backend, PackedMatrix, Reals } from '../../compute/backend.ts';

/** Arrays that a map may use. */
const scratches = 6;
/** Newton steps that bring any matrix to an orthogonal one; two or three are needed in earnest. */
const mostSteps = 200;

/** Products of [H, H] matrices in a backend's memory, and room for what lies between them. Every matrix is a view of H * H numbers. */
export class Squares {
  readonly H: number;
  /** [H, H] each, for whoever is at work. */
  readonly scratch: readonly Reals[];
  /** What a rounding in this precision is, relative to the number rounded. */
  readonly roundoff: number;
  readonly #backend: Backend;
  readonly #packed: PackedMatrix;

  constructor(backend: Backend, H: number) {
    this.#backend = backend;
    this.H = H;
    this.scratch = Array.from({ length: scratches }, () => backend.allocate(H * H));
    this.roundoff = backend.precision === 'float32' ? 2 ** -24 : 2 ** -53;
    this.#packed = backend.allocatePacked(H, H, H);
  }

  /** c = a b, or c += a b. */
  product(a: Reals, b: Reals, c: Reals, accumulate = false): void {
    const { H } = this;
    this.#backend.pack(b, 0, H, 1, this.#packed);
    this.#backend.multiply(a, 0, H, H, this.#packed, c, 0, H, accumulate);
  }

  /** c = aᵀ b. */
  transposedProduct(a: Reals, b: Reals, c: Reals): void {
    const { H } = this;
    c.fill(0);
    this.#backend.multiplyTransposed(a, 0, H, b, 0, H, H, H, H, c, 0, H);
  }

  /** b += a. */
  add(a: Reals, b: Reals): void {
    this.#backend.add(a, 0, b, 0, this.H * this.H);
  }

  /** to = W + W E: a matrix near W, with the rounding of what is added and of one sum. */
  moved(W: Reals, E: Reals, to: Reals): void {
    this.product(W, E, to);
    this.add(W, to);
  }

  /**
   * Makes Y the orthogonal matrix nearest to it, the first factor of its polar decomposition, by Newton's steps
   * Y <- Y (3 I - YᵀY) / 2 (Björck & Bowie 1971; Higham 2008, "Functions of matrices", section 8.3). They converge for singular
   * values between 0 and sqrt(3), and quadratically near 1: the last one leaves ‖YᵀY - I‖ at rounding. Uses the scratch arrays 4 and 5.
   */
  orthonormalize(Y: Reals): void {
    const { H, scratch } = this;
    const [gram, next] = [scratch[4], scratch[5]];
    /** A step from here leaves 3/4 of its square, which is below rounding. */
    const near = Math.sqrt(this.roundoff);
    for (let step = 0; step < mostSteps; step++) {
      this.transposedProduct(Y, Y, gram);
      let squares = 0;
      for (let i = 0; i < H; i++) {
        for (let j = 0; j < H; j++) {
          const difference = (i === j ? 1 : 0) - gram[i * H + j];
          squares += difference * difference;
          gram[i * H + j] = difference / 2;
        }
      }
      const distance = Math.sqrt(squares);
      if (!(distance < Infinity)) return;
      if (step === 0 && distance >= 1) {
        // Perhaps too far for the steps: no singular value is above sqrt(1 + distance). Scaled so, all are 1 at most, and grow.
        const square = 1 + distance;
        this.#backend.scale(Y, 0, H * H, 1 / Math.sqrt(square));
        for (let i = 0; i < H * H; i++) gram[i] /= square;
        for (let i = 0; i < H; i++) gram[i * H + i] += (1 - 1 / square) / 2;
      }
      // What is added is small, and so is its rounding.
      this.product(Y, gram, next);
      this.add(next, Y);
      if (distance <= near) return;
    }
  }
}
