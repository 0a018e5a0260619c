/** The float32 numbers of float16 ones (IEEE 754 binary16), exactly. @param bits of each. */
export function fromFloat16(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, (each) => {
    const sign = each & 0x8000 ? -1 : 1;
    const exponent = (each >> 10) & 0x1f;
    const fraction = each & 0x3ff;
    if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
    // Below the smallest normal number, 2^-14, the exponent stays and the leading 1 is not there.
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

/** The float32 numbers of bfloat16 ones, which are the upper halves of their bits. */
export function fromBfloat16(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (each) => each << 16).buffer);
}
