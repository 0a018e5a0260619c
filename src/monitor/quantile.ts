/** Quantile of ascending values, linear between neighbours. */
export function quantile(ascending: ArrayLike<number>, q: number): number {
  const at = q * (ascending.length - 1);
  const low = ascending[Math.floor(at)];
  const high = ascending[Math.ceil(at)];
  // From an infinity to a number there is no way: the nearer of the two stands, below the middle the lower one.
  if (low === high || !Number.isFinite(low)) return low;
  if (!Number.isFinite(high)) return at - Math.floor(at) < 0.5 ? low : high;
  return low + (high - low) * (at - Math.floor(at));
}
