/** A number for people: three digits, scientific where it is very small or large. */
export function say(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return 'unknown';
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

export const percent = (share: number): string => `${Math.round(100 * share)}%`;

export const steps = (count: number): string => `${count} step${count === 1 ? '' : 's'}`;

export const inputs = (count: number): string => `${count} input${count === 1 ? '' : 's'}`;
