import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { ThroughtimeError } from '../../errors.ts';
import { isLoopback } from '../../server/access.ts';
import { builtPages } from '../../server/builtPages.ts';
import { serveDashboard } from '../../server/dashboardServer.ts';
import { options, pathText } from '../options.ts';

interface DashboardFlags {
  host: string;
  port: number;
  token?: string;
}

export function dashboardCommand(): Command {
  return new Command('dashboard')
    .description('serve a page that shows run directories, also while they are written')
    .argument('[folder]', 'a folder of run directories, or a run directory', pathText, 'runs')
    .addOption(options.port())
    .option('--host <address>', 'address to listen on; one beyond this machine asks for a token', '127.0.0.1')
    .option('--token <text>', 'the token for an address beyond this machine; by default one drawn at random', pathText)
    .addHelpText(
      'after',
      '\nNothing is written, and nothing is loaded from another host. Ctrl-C ends it.\n\nExample:\n  throughtime dashboard runs',
    )
    .action(dashboard);
}

async function dashboard(folder: string, { host, port, token }: DashboardFlags): Promise<void> {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new ThroughtimeError('FILE_UNREADABLE', 'is not a directory; name a folder of run directories, or a run directory', {
      file: folder,
    });
  }
  if (token !== undefined && isLoopback(host)) {
    throw new ThroughtimeError('OPTION_INVALID', `--token goes with a --host beyond this machine, and ${host} is not; leave it out`);
  }
  const asked = isLoopback(host) ? undefined : (token ?? randomBytes(18).toString('base64url'));
  // Before the address is said: whoever has read it may end it.
  const ended = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
    // Of a training that has opened it, when that ends.
    process.once('disconnect', () => resolve());
  });
  const { address, close } = await serveDashboard({ folder, pages: builtPages(), host, port, token: asked });
  process.stderr.write(`The runs of ${folder} are shown at ${address} until Ctrl-C.\n`);
  await ended;
  await close();
}
