/**
 * Loaded before tests, benchmarks and the command line as it runs from the sources: kernels of other sources than those in assembly/ would
 * compute something else without a word.
 */

import { existsSync, readFileSync } from 'node:fs';
import { generatedKernels, kernelSources } from './kernelSources.ts';

const [line] = existsSync(generatedKernels) ? readFileSync(generatedKernels, 'utf8').split('\n', 1) : [''];
if (!line.includes(kernelSources())) {
  console.error(
    line === ''
      ? 'the kernels are not compiled yet; run `npm run kernels`'
      : 'the kernels are compiled from other sources than those in assembly/; run `npm run kernels`',
  );
  process.exit(2);
}
