import type { Backend, Reals } from '../compute/backend.ts';
import { ThroughtimeError } from '../errors.ts';
import type { OrthogonalBlocks } from './orthogonal/orthogonalBlocks.ts';

/** One parameter: a name and a shape, at a place in the flat arrays. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Index of its first element in `values` and `gradient`. */
  readonly at: number;
  readonly length: number;
}

/**
 * All parameters of a network in one flat array, row-major and in order of declaration, and their gradient in another of
 * the same layout: what works on all of them (norm, clip, update) is one pass over `length` numbers.
 */
export class Parameters {
  readonly list: readonly Parameter[];
  /** P: numbers in all. */
  readonly length: number;
  readonly values: Reals;
  readonly gradient: Reals;
  /** The blocks that stay orthogonal, where there are any: whoever updates the values goes through them. */
  orthogonal?: OrthogonalBlocks;
  readonly #byName: ReadonlyMap<string, Parameter>;

  constructor(backend: Backend, declared: readonly { name: string; shape: readonly number[] }[]) {
    let at = 0;
    this.list = declared.map(({ name, shape }) => {
      const length = shape.reduce((product, size) => product * size, 1);
      const parameter = { name, shape, at, length };
      at += length;
      return parameter;
    });
    this.length = at;
    this.values = backend.allocate(at);
    this.gradient = backend.allocate(at);
    this.#byName = new Map(this.list.map((parameter) => [parameter.name, parameter]));
  }

  /** The parameter of that name. */
  get(name: string): Parameter {
    const found = this.#byName.get(name);
    if (!found)
      throw new ThroughtimeError('SHAPE_MISMATCH', `there is no parameter ${name}; there are ${[...this.#byName.keys()].join(', ')}`);
    return found;
  }

  /** A view of the values of one parameter. */
  valuesOf(name: string): Reals {
    const { at, length } = this.get(name);
    return this.values.subarray(at, at + length);
  }

  /** A view of the gradient of one parameter. */
  gradientOf(name: string): Reals {
    const { at, length } = this.get(name);
    return this.gradient.subarray(at, at + length);
  }

  /** Which parameter holds an element of the flat arrays. */
  owner(index: number): Parameter {
    const found = this.list.find(({ at, length }) => index >= at && index < at + length);
    if (!found) throw new RangeError(`no parameter holds element ${index} of ${this.length}`);
    return found;
  }
}
