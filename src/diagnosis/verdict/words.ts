import type { Nearer } from '../examination/nearer.ts';

/** A number for people: three digits, scientific where it is very small or large. */
export function say(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return 'unknown';
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

export const percent = (share: number): string => `${Math.round(100 * share)}%`;

export const steps = (count: number): string => `${count} step${count === 1 ? '' : 's'}`;

export const inputs = (count: number): string => `${count} input${count === 1 ? '' : 's'}`;

/** What a network of the same kind makes of what is far once the steps between are left out. */
export const sayNearer = ({ lag, nearLag, learned }: Nearer): string =>
  ` Trained in the same way on the same sequences without the ${steps(lag - nearLag)} between, so that what lies ${lag} steps back lies ${nearLag} back, it learns ${percent(Math.max(0, Math.min(1, learned)))} of what that is worth.`;

/** The newest inputs that a gradient reaches, from those that it surely does to those that it may. */
export function newest([surely, perhaps]: readonly [number, number]): string {
  if (perhaps === 0) return 'none of them';
  return surely === perhaps ? `the newest ${perhaps}` : `the newest ${surely} to ${perhaps}`;
}
