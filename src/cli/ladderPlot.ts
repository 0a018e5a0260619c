import type { DependenceReport, LadderRung } from '../diagnosis/dependence/report.ts';
import { short } from './numbers.ts';

const width = 32;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/**
 * The ladder in characters: a line for each window with its held-out loss, as a number and as a bar from 0 to the largest, the p-value
 * that older inputs add nothing, and a mark at the horizon.
 */
export function ladderPlot({ ladder, horizon, alpha }: DependenceReport): string {
  const largest = Math.max(...ladder.map(({ loss }) => loss ?? 0));
  const atHorizon = ladder.find(({ window }) => window >= horizon)?.window;
  const line = (window: string, loss: string, bar: string, p: string, rest: string) =>
    `    ${window.padStart(7)}  ${loss.padEnd(9)}  ${bar.padEnd(width)}  ${p.padEnd(8)}${rest}`.trimEnd();
  return [
    line('newest', '', '', 'older add', ''),
    line('inputs', 'loss', '', 'nothing: p', ''),
    ...ladder.map((rung) =>
      line(
        String(rung.window),
        rung.loss === null ? '' : short(rung.loss),
        rung.loss === null ? '' : barOf(rung.loss / largest),
        chance(rung, alpha),
        rung.window === atHorizon ? '  ◂ horizon' : '',
      ),
    ),
  ].join('\n');
}

function barOf(share: number): string {
  const cells = Math.max(0, share) * width;
  const whole = Math.floor(cells);
  const part = eighths[Math.floor((cells - whole) * 8)];
  return '█'.repeat(whole) + (whole === 0 && part === '' && share > 0 ? eighths[1] : part);
}

function chance({ pValue }: LadderRung, alpha: number): string {
  if (pValue === null) return '';
  return pValue <= alpha ? `≤ ${alpha}` : pValue.toFixed(2);
}
