/** The package as npm packs it, from the sources as they are now, and an empty project that has installed it. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');

/** What a clone has and the package is made of. */
const sources = ['assembly', 'bin', 'dashboard', 'scripts', 'src', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
const texts = ['README.md', 'CHANGELOG.md', 'LICENSE'];

/** Packs a copy, so that the build of the working tree stays as it is. @returns the tarball. */
export function pack(folder: string): string {
  const clone = path.join(folder, 'clone');
  for (const each of [...sources, ...texts]) cpSync(path.join(root, each), path.join(clone, each), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(clone, 'node_modules'), 'dir');
  npm(['pack', '--pack-destination', folder], clone);
  return path.join(folder, readdirSync(folder).find((file) => file.endsWith('.tgz')) as string);
}

/** An empty project with the tarball and other packages installed in it. */
export function install(folder: string, tarball: string, others: readonly string[]): string {
  const project = path.join(folder, 'project');
  mkdirSync(project);
  writeFileSync(path.join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
  npm(['install', '--no-audit', '--no-fund', tarball, ...others], project);
  return project;
}

export function temporary(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'throughtime-package-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs a program in a folder; its output, or an error with all that it said. */
export function run(program: string, args: readonly string[], cwd: string): string {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (cause) {
    const { stdout, stderr } = cause as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause });
  }
}

function npm(args: readonly string[], cwd: string): void {
  run('npm', args, cwd);
}
