type FlatArray = Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** Numbers appended one by one to a flat array that doubles its room: no object per number. */
export class Growing<Flat extends FlatArray> {
  readonly #view: new (
    buffer: ArrayBuffer,
  ) => Flat;
  #values: Flat;
  #length = 0;

  /** @param view the kind of array, `Float64Array` or `Int32Array`. */
  constructor(view: (new (buffer: ArrayBuffer) => Flat) & { readonly BYTES_PER_ELEMENT: number }) {
    this.#view = view;
    this.#values = new view(new ArrayBuffer(256 * view.BYTES_PER_ELEMENT));
  }

  /** How many numbers have been appended. */
  get length(): number {
    return this.#length;
  }

  /** One of the numbers that have been appended. */
  at(index: number): number {
    return this.#values[index];
  }

  push(value: number): void {
    if (this.#length === this.#values.length) this.#resize(2 * this.#length);
    this.#values[this.#length++] = value;
  }

  /** Hands over all numbers in an array of exactly their length, and begins again with none. */
  take(): Flat {
    this.#resize(this.#length);
    const taken = this.#values;
    this.#values = new this.#view(new ArrayBuffer(256 * taken.BYTES_PER_ELEMENT));
    this.#length = 0;
    return taken;
  }

  #resize(length: number): void {
    this.#values = new this.#view(this.#values.buffer.transfer(length * this.#values.BYTES_PER_ELEMENT));
  }
}
