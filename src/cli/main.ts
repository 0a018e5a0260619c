import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { ThroughtimeError } from '../errors.ts';
import { gradcheckCommand } from './commands/gradcheck.ts';
import { inspectCommand } from './commands/inspect.ts';
import { trainCommand } from './commands/train.ts';

/** Every verb. A new one gets its file in `commands/` and its line here. */
const commands = [trainCommand, inspectCommand, gradcheckCommand];

const { version } = createRequire(import.meta.url)('throughtime/package.json') as { version: string };

const program = new Command('throughtime')
  .description('Train recurrent networks and see where the gradient goes.')
  .version(version)
  .configureHelp({ showGlobalOptions: true })
  .showSuggestionAfterError()
  .exitOverride();
for (const command of commands) program.addCommand(command().exitOverride());

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
  process.stderr.write(`throughtime: a mistake in this program, please report it: ${(error as Error).stack ?? String(error)}\n`);
  return 1;
}
