import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';

/** A library that may hold `cblas_sgemm`, and what it should read from its environment. */
export interface Candidate {
  /** Path, or a name that the system's loader finds. */
  readonly library: string;
  readonly name: 'OpenBLAS' | 'MKL' | 'BLIS' | 'Accelerate' | 'BLAS';
  readonly environment: Readonly<Record<string, string>>;
}

/** Names a library, or `none`, in place of those found. */
export const overrideVariable = 'THROUGHTIME_BLAS';

const patterns: readonly (readonly [RegExp, Candidate['name']])[] = [
  [/^libopenblas[\w.-]*\.(so|dylib|dll)[\d.]*$|^openblas\.dll$/i, 'OpenBLAS'],
  [/^(lib)?mkl_rt[\w.]*\.(so|dylib|dll)[\d.]*$/i, 'MKL'],
  [/^libblis[\w.-]*\.(so|dylib|dll)[\d.]*$/i, 'BLIS'],
];

/** One thread each: the threads that share the work are throughtime's own. */
const single = {
  OPENBLAS_NUM_THREADS: '1',
  OMP_NUM_THREADS: '1',
  MKL_NUM_THREADS: '1',
  MKL_THREADING_LAYER: 'SEQUENTIAL',
  BLIS_NUM_THREADS: '1',
  VECLIB_MAXIMUM_THREADS: '1',
};

/** At most so many different libraries are measured. */
const most = 6;

/**
 * The BLAS libraries of this machine, and for each the settings worth measuring. OpenBLAS may be older than the processor and
 * then pick kernels for a much older one, so the core types that fit the processor's instructions are tried beside its own choice.
 */
export function findLibraries(): Candidate[] {
  const asked = process.env[overrideVariable];
  if (asked === 'none') return [];
  const found = asked ? [asked] : installed();
  return found.flatMap((library) => {
    const name = nameOf(path.basename(library));
    const core = process.env.OPENBLAS_CORETYPE;
    const cores = name === 'OpenBLAS' ? (core ? [core] : [undefined, ...coreTypes()]) : [undefined];
    return cores.map((each) => ({ library, name, environment: each ? { ...single, OPENBLAS_CORETYPE: each } : single }));
  });
}

function nameOf(file: string): Candidate['name'] {
  if (file === 'Accelerate') return 'Accelerate';
  return patterns.find(([pattern]) => pattern.test(file))?.[1] ?? 'BLAS';
}

function installed(): string[] {
  if (process.platform === 'darwin') return ['/System/Library/Frameworks/Accelerate.framework/Accelerate', ...scan(darwinFolders())];
  if (process.platform === 'win32') return scan((process.env.PATH ?? '').split(';'));
  return scan(linuxFolders());
}

function darwinFolders(): string[] {
  return ['/opt/homebrew/opt/openblas/lib', '/usr/local/opt/openblas/lib', '/opt/homebrew/opt/blis/lib'];
}

/** Where Linux distributions and Intel's installer put them; Debian keeps each build of OpenBLAS and BLIS in a folder of its own. */
function linuxFolders(): string[] {
  const loader = (process.env.LD_LIBRARY_PATH ?? '').split(':');
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as 'x64' | 'arm64'] ?? process.arch;
  const roots = [`/usr/lib/${machine}-linux-gnu`, '/usr/lib64', '/usr/lib', '/usr/local/lib', '/opt/OpenBLAS/lib'];
  const builds = ['openblas-pthread', 'openblas-openmp', 'openblas-serial', 'blis-pthread', 'blis-openmp', 'blis-serial'];
  return [
    ...loader,
    ...roots.flatMap((root) => [root, ...builds.map((build) => path.join(root, build))]),
    ...['/opt/intel/oneapi/mkl/latest/lib', '/opt/intel/mkl/lib/intel64'],
  ];
}

function scan(folders: readonly string[]): string[] {
  const real = new Set<string>();
  for (const folder of folders) {
    if (folder === '' || !existsSync(folder)) continue;
    for (const file of readdirSync(folder).sort()) {
      if (!patterns.some(([pattern]) => pattern.test(file)) || /64_?[.-]|64\.so|-64/.test(file)) continue;
      try {
        real.add(realpathSync(path.join(folder, file)));
      } catch {
        // A link to nothing is no library.
      }
    }
  }
  return [...real].slice(0, most);
}

function coreTypes(): string[] {
  if (process.arch !== 'x64' || process.platform !== 'linux') return [];
  const flags =
    readFileSync('/proc/cpuinfo', 'utf8')
      .match(/^flags\s*:(.*)$/m)?.[1]
      .split(' ') ?? [];
  if (flags.includes('avx512vl')) return ['SkylakeX'];
  return flags.includes('avx2') ? ['Haswell', 'Zen'] : [];
}
