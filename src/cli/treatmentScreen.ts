import { sayChange } from '../diagnosis/treat/findCure.ts';
import type { Outcome, TriedChange } from '../diagnosis/treat/treat.ts';
import type { ExperimentTreatment } from '../run/treatRun.ts';
import { lagPlot } from './lagPlot.ts';
import { duration, short } from './numbers.ts';
import { wrapped } from './wrapped.ts';

const nameWidth = 46;

/** What `treat` prints for people: before, every change that was tried, what is recommended and why. */
export function treatmentScreen(treatment: ExperimentTreatment, source: string, written: string | null, budget: number): string {
  const { before, tried, best, because, seconds, spent, stopped } = treatment;
  const cure = best && tried.find(({ change }) => change === best.change || JSON.stringify(change) === JSON.stringify(best.change));
  const { dataHorizon } = before.diagnosis;
  const mark = dataHorizon > 0 ? dataHorizon - 1 : undefined;
  return [
    '',
    `  ${headline(treatment)}`,
    '',
    ...wrapped(because),
    '',
    ...(tried.length > 0 ? [...table(before, tried), ''] : []),
    ...(best && cure ? best.why.flatMap((each) => wrapped(`${each}.`)) : []),
    ...(cure?.lagProfile && before.lagProfile
      ? [
          '',
          '  log10 of ‖dL_t/ds_{t-k}‖ against the lag k, before:',
          lagPlot(before.lagProfile, mark),
          '  and after:',
          lagPlot(cure.lagProfile, mark),
          '',
        ]
      : []),
    ...(written ? [`  Written: ${written}. Train it: throughtime train ${written}`] : []),
    ...wrapped(timeOf(seconds, spent, tried.length, budget, stopped)),
    ...(stopped && tried.length > 0 && !best
      ? wrapped(`More may be found: throughtime treat ${source} --budget ${Math.ceil(2 * budget)}`)
      : []),
    '',
  ].join('\n');
}

function headline({ before, best }: ExperimentTreatment): string {
  const { verdict, sick } = before;
  const was = (verdict ?? 'unknown').toUpperCase();
  if (!sick) return `${was}  (nothing to cure)`;
  if (!best) return `${was}, AND NO CURE WAS FOUND`;
  return best.cured ? `${was}, CURED BY  ${sayChange(best)}` : `${was}, BETTER AND NOT CURED WITH  ${sayChange(best)}`;
}

function table(before: Outcome, tried: readonly TriedChange[]): string[] {
  const rows = [
    ['', 'verdict', 'loss', 'other seeds', 'updates', 'ms/update', 'parameters'],
    row('before', before),
    ...tried.map((each) => row(sayChange(each), each)),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => (column === 0 ? 0 : cells[column].length))));
  return rows.map((cells) => {
    const rest = cells.slice(1).map((cell, i) => cell.padEnd(widths[i + 1]));
    const name = cells[0];
    const short = name.length <= nameWidth ? [name.padEnd(nameWidth)] : [name, ' '.repeat(nameWidth)];
    return `  ${short.join('\n  ')}  ${rest.join('  ')}`.trimEnd();
  });
}

function row(name: string, { verdict, loss, repetitions, updates, secondsPerUpdate, parameters, ...rest }: Outcome): string[] {
  const others = repetitions.slice(1).map((each) => `${short(each.loss)}${each.verdict === verdict ? '' : ` ${each.verdict}`}`);
  const refused = verdict === null && updates === 0 && 'because' in rest;
  return [
    name,
    verdict ?? (refused ? 'refused' : 'left out'),
    loss === null ? 'none' : short(loss),
    others.join(', ') || '-',
    String(updates),
    secondsPerUpdate > 0 ? (1000 * secondsPerUpdate).toPrecision(3) : '-',
    parameters > 0 ? String(parameters) : '-',
  ];
}

function timeOf(
  seconds: number,
  spent: Readonly<Record<string, number>>,
  count: number,
  budget: number,
  stopped: 'signal' | 'budget' | null,
): string {
  const parts = Object.entries(spent)
    .filter(([, each]) => each > 0)
    .map(([part, each]) => `${part} ${duration(each)}`);
  const ended =
    stopped === 'signal'
      ? 'stopped as asked; this is what is known so far'
      : stopped === 'budget'
        ? `cut short by the budget of ${duration(budget)}`
        : `of a budget of ${duration(budget)}`;
  return `${duration(seconds)}, ${ended}; ${count} changes were tried. Side by side went: ${parts.join(', ')}.`;
}
