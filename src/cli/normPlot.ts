const width = 64;
const height = 12;

/**
 * A curve of gradient norms in characters: log10 upward, the update to the right; each column shows the span of its updates. A
 * threshold is a dotted line through it.
 */
export function normPlot(norms: readonly number[], threshold: number | null): string {
  const logarithms = norms.map((norm) => (norm > 0 ? Math.log10(norm) : Number.NaN));
  const finite = [...logarithms, ...(threshold === null ? [] : [Math.log10(threshold)])].filter(Number.isFinite);
  if (finite.length === 0) return '    (no finite norm)';
  let [top, bottom] = [finite[0], finite[0]];
  for (const each of finite) [top, bottom] = [Math.max(top, each), Math.min(bottom, each)];
  top = Math.ceil(top);
  bottom = Math.min(Math.floor(bottom), top - 1);
  const rowOf = (logarithm: number) => Math.round(((top - logarithm) / (top - bottom)) * (height - 1));
  const columns = Math.min(width, norms.length);
  const line = threshold === null ? -1 : rowOf(Math.log10(threshold));
  const grid = Array.from({ length: height }, (_, row) => new Array<string>(columns).fill(row === line ? '·' : ' '));
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * norms.length) / columns);
    const past = Math.max(from + 1, Math.floor(((column + 1) * norms.length) / columns));
    const span = logarithms.slice(from, past).filter(Number.isFinite);
    if (span.length === 0) {
      grid[height - 1][column] = 'x';
      continue;
    }
    const [first, last] = [rowOf(Math.max(...span)), rowOf(Math.min(...span))];
    for (let row = first; row <= last; row++) grid[row][column] = '█';
  }
  const labels = grid.map((_, row) => (row === 0 ? `1e${top}` : row === height - 1 ? `1e${bottom}` : ''));
  const labelWidth = Math.max(...labels.map((label) => label.length));
  const lines = grid.map((cells, row) => `    ${labels[row].padStart(labelWidth)} │${cells.join('').trimEnd()}`);
  const blank = `    ${' '.repeat(labelWidth)} `;
  const last = String(norms.length);
  return [...lines, `${blank}└${'─'.repeat(columns)}`, `${blank} 1${last.padStart(Math.max(columns - 1, last.length + 1))}`].join('\n');
}
