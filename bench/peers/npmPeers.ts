import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A peer that comes from the npm registry, into this folder and not into the project. */
export interface NpmPeer {
  readonly name: 'TensorFlow.js' | 'jax-js';
  readonly script: string;
  /** Of Node, for it. */
  readonly flags: readonly string[];
  /** Steps before the first that counts: jax-js compiles in its first one. */
  readonly warmUp: number;
}

export const npmPeers: readonly NpmPeer[] = [
  { name: 'TensorFlow.js', script: path.join(import.meta.dirname, 'tensorflow.mjs'), flags: [], warmUp: 1 },
  // It unrolls the loop over time, and walks what it has unrolled recursively: 400 steps need more than the usual stack of 1 MB.
  { name: 'jax-js', script: path.join(import.meta.dirname, 'jax.mjs'), flags: ['--stack-size=7000'], warmUp: 2 },
];

/** Installs what package.json and the lock file beside it say, unless it is there. Returns why that failed, if it did. */
export function installNpmPeers(say: (line: string) => void): string | undefined {
  const folder = import.meta.dirname;
  const { dependencies } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  const there = (name: string, version: string) => {
    const file = path.join(folder, 'node_modules', name, 'package.json');
    return existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version === version;
  };
  if (Object.entries(dependencies).every(([name, version]) => there(name, version))) return undefined;
  say('bench/peers: npm ci --ignore-scripts, about 310 MB in bench/peers/node_modules');
  const { status, stderr, error } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (status === 0) return undefined;
  return `npm ci in bench/peers failed: ${error?.message ?? stderr.trim().split('\n')[0]}`;
}
