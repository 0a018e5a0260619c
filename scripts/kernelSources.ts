/** What the kernels are compiled from, and where they are written. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const generatedKernels = join(root, 'src/compute/wasm/kernels.generated.ts');

/** Digest of every source file in assembly/, with its name, and of the script that says how they are compiled. */
export function kernelSources(): string {
  const folder = join(root, 'assembly');
  const names = readdirSync(folder).filter((name) => name.endsWith('.ts'));
  const files = [...names.toSorted().map((name) => join(folder, name)), join(root, 'scripts/buildKernels.ts')];
  const hash = createHash('sha256');
  for (const file of files) {
    // The same on a machine that ends lines in another way.
    hash.update(`${file.slice(root.length).replaceAll('\\', '/')}\0${readFileSync(file, 'utf8').replaceAll('\r\n', '\n')}\0`);
  }
  return `sha256 ${hash.digest('hex')}`;
}
