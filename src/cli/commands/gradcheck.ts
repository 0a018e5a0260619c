import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { ThroughtimeError } from '../../errors.ts';
import type { Cell } from '../../network/cell/cell.ts';
import { cells } from '../../network/cell/cells.ts';
import { type GradcheckCellReport, gradcheckCell } from '../../network/gradcheckCell.ts';
import { toJson } from '../../run/json.ts';
import { short } from '../numbers.ts';
import { options } from '../options.ts';
import { calling, cellsOfModule } from '../userCells.ts';

export function gradcheckCommand(): Command {
  return new Command('gradcheck')
    .description('compare the gradient of backpropagation through time with central differences, in float64')
    .argument(
      '[cell...]',
      `cells to check: ${cells.map(({ name }) => name).join(', ')}, or a module of your own that exports one; all where none is named`,
    )
    .addOption(Object.assign(options.seed(), { description: 'of the networks and sequences that are checked; 0 by default' }))
    .addOption(options.json())
    .addHelpText('after', '\nExamples:\n  throughtime gradcheck\n  throughtime gradcheck lstm ./myCell.js')
    .action(check);
}

/** A cell, and the module it comes from where it is not one of `cells`. */
interface Chosen {
  readonly cell: Cell;
  readonly file?: string;
}

async function check(names: string[], flags: { seed?: number; json?: boolean }): Promise<void> {
  const chosen = names.length === 0 ? cells.map((cell) => ({ cell })) : (await Promise.all(names.map(chosenBy))).flat();
  const reports = chosen.map(({ cell, file }: Chosen) => {
    const work = () => gradcheckCell(cell, { seed: flags.seed ?? 0 });
    return file === undefined ? work() : calling(cell, file, work);
  });
  const ok = reports.every((report) => report.ok);
  if (flags.json) process.stdout.write(`${toJson({ ok, cells: reports })}\n`);
  else process.stdout.write(`${reports.map(screen).join('\n')}\n`);
  if (!ok) {
    const wrong = reports.filter((report) => !report.ok).map((report) => report.cell);
    throw new ThroughtimeError(
      'GRADIENT_WRONG',
      `the backward step of ${wrong.join(', ')} disagrees with its forward step; correct its backward`,
    );
  }
}

/** The cell of that name, or all cells that a module exports. */
async function chosenBy(name: string): Promise<Chosen[]> {
  const known = cells.filter((cell) => cell.name === name || (name === 'rnn' && cell.name.startsWith('rnn-')));
  if (known.length > 0) return known.map((cell) => ({ cell }));
  if (!existsSync(name)) {
    const names = cells.map((cell) => cell.name).join(', ');
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `there is no cell and no file ${JSON.stringify(name)}; name one of ${names}, or a module that exports a cell`,
    );
  }
  return (await cellsOfModule(name)).map((cell) => ({ cell, file: name }));
}

function screen({ cell, ok, checked, kinks, cases, largestRelative, tolerance, arrays, failures }: GradcheckCellReport): string {
  const head = `${ok ? '✓' : '✗'} ${cell}: ${checked} derivatives in ${cases.length} networks, largest relative difference ${short(largestRelative)} (allowed ${short(tolerance)})`;
  const corners = kinks > 0 ? [`    ${kinks} lie at a kink, where one of the two one-sided slopes was found`] : [];
  const rows = arrays.map(
    (array) => `    ${array.name.padEnd(16)} ${String(array.checked).padStart(5)} checked  ${short(array.largestRelative)}`,
  );
  const wrong = failures.slice(0, 8).map(({ case: where, name, worst, wrong: count }) => {
    return `    ${where}: ${name}: ${count} wrong, worst at ${worst.index}: backward says ${short(worst.analytic)}, differences say ${short(worst.numeric)}`;
  });
  return [head, ...rows, ...corners, ...wrong].join('\n');
}
