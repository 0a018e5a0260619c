import type { LagPoint } from '../monitor/lagProfile.ts';

const width = 64;
const height = 10;

/** A lag profile in characters: log10 of the norm upward, the lag to the right. @param mark a lag at which a line is drawn. */
export function lagPlot(profile: readonly LagPoint[], mark?: number): string {
  let [smallest, largest] = [Infinity, -Infinity];
  for (const { meanLog10 } of profile) {
    if (!Number.isFinite(meanLog10)) continue;
    smallest = Math.min(smallest, meanLog10);
    largest = Math.max(largest, meanLog10);
  }
  if (smallest > largest) return '    (no finite value at any lag)';
  const top = Math.ceil(largest);
  const bottom = Math.min(Math.floor(smallest), top - 1);
  const columns = Math.min(width, profile.length);
  const grid = Array.from({ length: height }, () => new Array<string>(columns).fill(' '));
  if (mark !== undefined && mark < profile.length) {
    const column = Math.round((mark * Math.max(1, columns - 1)) / Math.max(1, profile.length - 1));
    for (const row of grid) row[column] = '│';
  }
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
