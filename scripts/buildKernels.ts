/**
 * Compiles assembly/ into two WebAssembly modules, with and without relaxed SIMD, and writes them as base64 strings into
 * src/compute/wasm/kernels.generated.ts, in whose first line is the digest of what they were compiled from. Prints nothing unless it fails.
 */

import { writeFileSync } from 'node:fs';
import { main } from 'assemblyscript/asc';
import { generatedKernels, kernelSources, root } from './kernelSources.ts';

/** Bytes at the start of the memory that belong to the modules' constants. */
const reservedBytes = 65536;

const options = [
  ...['-O3', '--noAssert', '--runtime', 'stub'],
  // A memory given from outside, which threads can share.
  ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
  ...['--enable', 'threads', '--enable', 'simd'],
];

const plain = await compile(options);
const relaxed = await compile([...options, '--enable', 'relaxed-simd']);

writeFileSync(
  generatedKernels,
  `// Written by scripts/buildKernels.ts from assembly/, ${kernelSources()}.

/** Bytes at the start of the memory that hold the modules' constants. */
export const reservedBytes = ${reservedBytes};

/** 128-bit SIMD, in base64. */
export const plainModule =
  '${plain.toString('base64')}';

/** 128-bit SIMD with relaxed fused multiply-add, in base64. */
export const relaxedModule =
  '${relaxed.toString('base64')}';
`,
);

async function compile(flags: readonly string[]): Promise<Buffer> {
  let binary: Uint8Array | string | undefined;
  const { error, stderr } = await main(['assembly/index.ts', '--outFile', 'kernels.wasm', '--baseDir', root, ...flags], {
    writeFile: (_name: string, contents: Uint8Array | string) => {
      binary = contents;
    },
  });
  const warnings = stderr.toString();
  if (error || typeof binary === 'string' || binary === undefined) {
    console.error(warnings);
    throw error ?? new Error('the compiler gave no binary');
  }
  if (warnings !== '') console.error(warnings);
  return Buffer.from(binary);
}
