/** Numbers, counts and tables as the pages write them. */

/** Three significant digits, and no exponent: `0.0123`, `1.20`, `45.6`, `1234`. */
export function digits(value: number): string {
  if (!Number.isFinite(value) || value === 0) return String(value);
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 6));
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(0)}%`;
}

/** `1 thread`, `2 threads`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** A Markdown table; columns after the first are numbers and stand to the right. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** What would belong to a comparison and is not there: nothing, or a paragraph of its own. */
export function absent(missing: readonly { readonly who: string; readonly why: string }[]): string {
  return missing.map(({ who, why }) => `\n\nNot measured: ${who} (${why}).`).join('');
}
