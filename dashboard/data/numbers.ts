const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** An integer as an exponent: -12 is ⁻¹². */
export const superscript = (integer: number) =>
  `${integer < 0 ? '⁻' : ''}${[...String(Math.abs(integer))].map((digit) => superscripts[Number(digit)]).join('')}`;

/** A number in at most four significant digits; very small and large ones as a power of ten. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return String(Number(value.toPrecision(4)));
  const exponent = Math.floor(Math.log10(size));
  return `${Number((value / 10 ** exponent).toPrecision(3))}·10${superscript(exponent)}`;
}

/** 10 to the power of `log10`, which may lie far below what a number holds. */
export function shortPower(log10: number | null | undefined): string {
  if (log10 === null || log10 === undefined) return '0';
  if (log10 >= -3 && log10 < 5) return short(10 ** log10);
  const exponent = Math.floor(log10);
  return `${Number((10 ** (log10 - exponent)).toPrecision(3))}·10${superscript(exponent)}`;
}

/** A share between 0 and 1. */
export const percent = (share: number | null | undefined) =>
  share === null || share === undefined ? '–' : `${Number((100 * share).toPrecision(3))}%`;

export const whole = (value: number) => Math.round(value).toLocaleString('en-US');
