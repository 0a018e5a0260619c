/**
 * Thrift's compact protocol, as far as Parquet uses it, read with bounds: nothing is made that has no bytes of its own in the input, whatever its
 * lengths claim. What is read here says whether a file may be given to a reader that trusts it.
 */

export type ThriftValue = boolean | number | bigint | Uint8Array | readonly ThriftValue[] | ThriftStruct;

/** Fields by their numbers. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

/** Structs within structs. */
const mostDepth = 24;

/** @throws RangeError where the bytes are no such struct, with what is wrong. */
export class ThriftReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Where the next byte is. */
  get at(): number {
    return this.#at;
  }

  struct(depth = 0): ThriftStruct {
    if (depth > mostDepth) throw new RangeError(`its header is nested more than ${mostDepth} deep`);
    const fields = new Map<number, ThriftValue>();
    let field = 0;
    for (;;) {
      const byte = this.#byte();
      const type = byte & 0x0f;
      if (type === 0) return fields;
      const delta = byte >> 4;
      field = delta > 0 ? field + delta : Number(this.#zigzag());
      fields.set(field, this.#value(type, depth));
    }
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case 1:
      case 2:
        return type === 1;
      case 3:
        return (this.#byte() << 24) >> 24;
      case 4:
      case 5:
        return Number(this.#zigzag());
      case 6:
        return this.#zigzag();
      case 7:
        return new DataView(this.#take(8).slice().buffer).getFloat64(0, true);
      case 8:
        return this.#take(this.#length());
      case 9:
        return this.#list(depth);
      case 12:
        return this.struct(depth + 1);
      default:
        throw new RangeError(`its header has a value of the unknown type ${type}`);
    }
  }

  #list(depth: number): ThriftValue[] {
    const byte = this.#byte();
    const type = byte & 0x0f;
    const count = byte >> 4 === 15 ? this.#length() : byte >> 4;
    // Every element takes a byte at least.
    if (count > this.#bytes.length - this.#at)
      throw new RangeError(`its header has a list of ${count} elements, more than there are bytes`);
    const values: ThriftValue[] = [];
    for (let n = 0; n < count; n++) values.push(type === 1 || type === 2 ? this.#byte() === 1 : this.#value(type, depth));
    return values;
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) throw new RangeError('its header is cut off');
    return this.#bytes[this.#at++];
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new RangeError(`its header has a text of ${length} bytes, more than there are`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #length(): number {
    const length = this.#varint();
    if (length > 0x7fffffffn) throw new RangeError(`its header has a length of ${length}`);
    return Number(length);
  }

  #zigzag(): bigint {
    const value = this.#varint();
    return (value >> 1n) ^ -(value & 1n);
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('its header has a number of more than 64 bits');
  }
}
