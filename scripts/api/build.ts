/**
 * Makes the API pages of the docstrings, into docs/api or the folder that is named. The generator needs a compiler older than the project's, so
 * it is a project of its own in this folder, installed on first use. Fails where an export has no docstring.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;
const out = process.argv[2] ?? path.join(here, '../../docs/api');

/** Ends this program, as that one did, where it failed; it has said why. */
function run(program: string, args: readonly string[]): void {
  const { status } = spawnSync(program, args, { cwd: here, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(path.join(here, 'node_modules/typedoc'))) run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']);
run(process.execPath, ['node_modules/typedoc/bin/typedoc', '--options', 'typedoc.json', '--out', path.resolve(out)]);
