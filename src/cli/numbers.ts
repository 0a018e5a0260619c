/** A number for people: four digits, scientific where it is very small or large, so that nothing small reads as 0. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined) return 'none';
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 1e-3 || Math.round(size) >= 1e5) return value.toExponential(2);
  // From here on four digits would be scientific too.
  if (size >= 9999.5) return String(Math.round(value));
  return value.toPrecision(4);
}

/** A span of time for people. */
export function duration(seconds: number): string {
  // Rounded before it is split, so that no part reaches the next unit.
  if (Math.round(seconds * 10) < 100) return `${(Math.round(seconds * 10) / 10).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 100) return `${whole} s`;
  if (whole < 6000) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
