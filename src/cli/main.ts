import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { ThroughtimeError } from '../errors.ts';
import { writeError } from '../run/files.ts';
import { compareCommand } from './commands/compare.ts';
import { completionCommand } from './commands/completion.ts';
import { dashboardCommand } from './commands/dashboard.ts';
import { diagnoseCommand } from './commands/diagnose.ts';
import { doctorCommand } from './commands/doctor.ts';
import { exportCommand } from './commands/export.ts';
import { generateCommand } from './commands/generate.ts';
import { gradcheckCommand } from './commands/gradcheck.ts';
import { horizonCommand } from './commands/horizon.ts';
import { importCommand } from './commands/import.ts';
import { inspectCommand } from './commands/inspect.ts';
import { predictCommand } from './commands/predict.ts';
import { schemaCommand } from './commands/schema.ts';
import { sweepCommand } from './commands/sweep.ts';
import { trainCommand } from './commands/train.ts';
import { treatCommand } from './commands/treat.ts';
import { tuneClipCommand } from './commands/tuneClip.ts';
import { workerCommand } from './commands/worker.ts';

/** Every verb. A new one gets its file in `commands/` and its line here. */
const commands = [
  ...[trainCommand, diagnoseCommand, treatCommand, tuneClipCommand, horizonCommand, inspectCommand, gradcheckCommand],
  ...[sweepCommand, workerCommand, compareCommand],
  ...[predictCommand, generateCommand, exportCommand, importCommand, dashboardCommand, doctorCommand],
  ...[schemaCommand, completionCommand],
];

const { version } = createRequire(import.meta.url)('throughtime/package.json') as { version: string };

/** One line on stderr for each mistake of usage, with the suggestion on the same line. */
const oneLine = (text: string) =>
  `throughtime: ${text
    .trim()
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')}\n`;

const program = new Command('throughtime')
  .description('Train recurrent networks and see where the gradient goes.')
  .version(version)
  .configureHelp({ showGlobalOptions: true })
  .configureOutput({ outputError: (text, write) => write(oneLine(text)) })
  .exitOverride();
for (const command of commands) program.addCommand(command().copyInheritedSettings(program));

// What reads the answer may leave before its end (`| head`); anything else that keeps it from being written is said.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code === 'EPIPE') process.exit(0);
  process.stderr.write(`throughtime: ${writeError('the answer on stdout', cause).message}\n`);
  process.exit(2);
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong in one sentence, and gives the exit code: 2 for the user's mistake, 1 for a failure of the work. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof ThroughtimeError) {
    process.stderr.write(`throughtime: ${error.message}\n`);
    return error.kind === 'input' ? 2 : 1;
  }
  const { code, syscall, path, message } = error as NodeJS.ErrnoException;
  if (code !== undefined && syscall !== undefined && path !== undefined) {
    process.stderr.write(`throughtime: ${path}: cannot be used: ${message.split(',')[0]}; choose another path\n`);
    return 2;
  }
  process.stderr.write(`throughtime: a mistake in this program, please report it: ${(error as Error).stack ?? String(error)}\n`);
  return 1;
}
