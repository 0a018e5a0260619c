/**
 * A reverse-mode tape on float64 scalars, written for the tests alone: the independent way to a gradient that is bounded on its way back.
 */
export class Tape {
  readonly #steps: (() => void)[] = [];

  /** A number that nothing on the tape leads to. */
  leaf(value: number): Scalar {
    return { value, gradient: 0 };
  }

  add(...terms: Scalar[]): Scalar {
    let sum = 0;
    for (const { value } of terms) sum += value;
    return this.#record(sum, (out) => {
      for (const term of terms) term.gradient += out.gradient;
    });
  }

  multiply(a: Scalar, b: Scalar): Scalar {
    return this.#record(a.value * b.value, (out) => {
      a.gradient += out.gradient * b.value;
      b.gradient += out.gradient * a.value;
    });
  }

  /** f(x), whose derivative is given by the value of f. */
  #map(x: Scalar, value: number, derivative: number): Scalar {
    return this.#record(value, (out) => {
      x.gradient += out.gradient * derivative;
    });
  }

  tanh(x: Scalar): Scalar {
    const value = Math.tanh(x.value);
    return this.#map(x, value, 1 - value * value);
  }

  exp(x: Scalar): Scalar {
    const value = Math.exp(x.value);
    return this.#map(x, value, value);
  }

  cos(x: Scalar): Scalar {
    return this.#map(x, Math.cos(x.value), -Math.sin(x.value));
  }

  sin(x: Scalar): Scalar {
    return this.#map(x, Math.sin(x.value), Math.cos(x.value));
  }

  relu(x: Scalar): Scalar {
    return this.#map(x, Math.max(0, x.value), x.value > 0 ? 1 : 0);
  }

  sigmoid(x: Scalar): Scalar {
    const value = 1 / (1 + Math.exp(-x.value));
    return this.#map(x, value, value * (1 - value));
  }

  /** The same numbers; on the way back, `change` turns their gradients into others before they go on. */
  changed(numbers: readonly Scalar[], change: (gradients: number[]) => number[]): Scalar[] {
    const out = numbers.map(({ value }) => ({ value, gradient: 0 }));
    this.#steps.push(() => {
      const gradients = change(out.map(({ gradient }) => gradient));
      for (const [i, number] of numbers.entries()) number.gradient += gradients[i];
    });
    return out;
  }

  /** Adds d(out)/d(everything) to every gradient. */
  backward(out: Scalar): void {
    out.gradient = 1;
    for (const step of this.#steps.toReversed()) step();
  }

  #record(value: number, step: (out: Scalar) => void): Scalar {
    const out = { value, gradient: 0 };
    this.#steps.push(() => step(out));
    return out;
  }
}

export interface Scalar {
  readonly value: number;
  gradient: number;
}
