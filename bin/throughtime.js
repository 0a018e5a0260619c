#!/usr/bin/env node
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const wanted = engines.node.replace('>=', '').split('.').map(Number);
const found = process.versions.node.split('.').map(Number);

if (found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1])) {
  process.stderr.write(
    `throughtime: needs Node ${wanted.join('.')} or newer, this is ${process.version}; install a current one from nodejs.org\n`,
  );
  process.exitCode = 2;
} else {
  await import('../dist/cli.js');
}
