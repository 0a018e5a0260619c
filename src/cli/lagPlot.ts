import type { LagPoint } from '../monitor/lagProfile.ts';

const width = 64;
const height = 10;

/** A lag profile in characters: log10 of the norm upward, the lag to the right. */
export function lagPlot(profile: readonly LagPoint[]): string {
  const finite = profile.map(({ meanLog10 }) => meanLog10).filter(Number.isFinite);
  if (finite.length === 0) return '    (no finite value at any lag)';
  const top = Math.ceil(Math.max(...finite));
  const bottom = Math.min(Math.floor(Math.min(...finite)), top - 1);
  const columns = Math.min(width, profile.length);
  const grid = Array.from({ length: height }, () => new Array<string>(columns).fill(' '));
  for (let column = 0; column < columns; column++) {
    const point = profile[Math.round((column * (profile.length - 1)) / Math.max(1, columns - 1))];
    if (!Number.isFinite(point.meanLog10)) continue;
    const row = Math.round(((top - point.meanLog10) / (top - bottom)) * (height - 1));
    grid[row][column] = '•';
  }
  const labelWidth = Math.max(String(top).length, String(bottom).length);
  const lines = grid.map((cells, row) => {
    const label = row === 0 ? String(top) : row === height - 1 ? String(bottom) : '';
    return `    ${label.padStart(labelWidth)} │${cells.join('').trimEnd()}`;
  });
  const last = String(profile.length - 1);
  const axis = `    ${' '.repeat(labelWidth)} └${'─'.repeat(columns)}`;
  const ticks = `    ${' '.repeat(labelWidth)}  0${last.padStart(Math.max(columns - 1, last.length + 1))}`;
  return [...lines, axis, ticks].join('\n');
}
