import type { SweepResult } from '../sweep/runSweep.ts';
import type { SettingRow, Spread, Standing } from '../sweep/standing.ts';
import type { Setting } from '../sweep/trialEvents.ts';
import { duration, short } from './numbers.ts';

/** A setting in a few words. */
export const saySetting = (setting: Setting): string =>
  Object.entries(setting)
    .map(([field, value]) => `${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ') || 'the experiment as it is';

/** The table of a sweep, its head first. @param columns of the screen; a line that is longer is cut. */
export function sweepTable(rows: readonly SettingRow[], metric: string | null, columns = Infinity): string[] {
  if (rows.length === 0) return [];
  const fields = Object.keys(rows[0].setting);
  const hasVerdicts = rows.some(({ verdicts }) => Object.keys(verdicts).length > 0);
  const hasMetric = rows.some((row) => row.metric !== null);
  const head = [
    ...fields.map((field) => field.slice(field.lastIndexOf('.') + 1)),
    ...['trials', 'loss', 'spread', 'best'],
    ...(hasMetric ? [metric ?? 'metric'] : []),
    ...['updates', hasVerdicts ? 'verdicts' : ''],
  ];
  const cells = rows.map((row) => [
    ...fields.map((field) => say(row.setting[field])),
    trialsOf(row),
    ...lossOf(row.loss),
    ...(hasMetric ? [row.metric ? short(row.metric.mean) : '-'] : []),
    String(row.updates),
    Object.entries(row.verdicts)
      .map(([verdict, count]) => (count === 1 && row.trials === 1 ? verdict : `${verdict} ${count}`))
      .join(', '),
  ]);
  const widths = head.map((name, column) => Math.max(name.length, ...cells.map((each) => each[column].length)));
  return [head, ...cells].map((each) =>
    each
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd()
      .slice(0, columns - 1),
  );
}

const say = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : JSON.stringify(value);

function trialsOf({ trials, done, failed, leftOut }: SettingRow): string {
  const more = [failed > 0 ? `${failed} failed` : '', leftOut > 0 ? 'left out' : ''].filter((each) => each !== '');
  return [`${done}/${trials}`, ...more].join(', ');
}

const lossOf = (loss: Spread | null): string[] =>
  loss ? [short(loss.mean), loss.deviation === null ? '-' : `±${short(loss.deviation)}`, short(loss.least)] : ['-', '-', '-'];

/** Where a sweep stands, in one line. */
export function standingLine(standing: Standing, left: number | null): string {
  const { counts, best, trials } = standing;
  const ended = counts.done + counts.failed + counts['left-out'];
  const parts = [
    `${ended}/${trials.count} trials`,
    counts.failed > 0 ? `${counts.failed} failed` : '',
    counts['left-out'] > 0 ? `${counts['left-out']} left out` : '',
    best ? `best ${short(best.loss)} (${saySetting(trials.setting(best.trial))})` : '',
    ended < trials.count && left !== null ? `${duration(left)} left` : '',
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** Rows that are printed at the end. */
const mostPrinted = 40;

/** What `sweep` prints for people. */
export function sweepScreen(result: SweepResult, standing: Standing): string {
  const { best, trials, table, sweep, seconds } = result;
  const shown = table.slice(0, mostPrinted);
  const more = standing.trials.plan.settings - shown.length;
  return [
    '',
    ...sweepTable(shown, standing.metricName).map((line) => `  ${line}`),
    ...(more > 0 && shown.length === mostPrinted
      ? [`  and ${more} more; sweep --json lists up to a thousand, ${sweep}/trials.jsonl has all`]
      : []),
    '',
    ...(best ? [`  The best is trial ${best.trial}, with ${saySetting(best.setting)}: ${sweep}/${best.run}`] : []),
    `  ${trials.done} of ${trials.count} trials are done${trials.failed > 0 ? `, ${trials.failed} have failed` : ''}${trials.leftOut > 0 ? `, ${trials.leftOut} were left out` : ''}. ${duration(seconds)}.`,
    '',
  ].join('\n');
}
