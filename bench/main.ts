/**
 * Every question of speed that this repository answers, in one run: `npm run bench`. With `--json` it prints JSON alone, with
 * `--write` it rewrites docs/performance.md. All sides of a comparison are measured in turn, a few steps each; medians are compared.
 */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { wasmBackend } from '../src/compute/wasm/wasm.ts';
import { benchGemm, type GemmReport, gemmTable } from './gemm.ts';
import { PytorchPeer, pythonWithTorch } from './pytorch.ts';
import { type StepShape, stepFlops, trainingStep } from './trainingStep.ts';

const shapes: StepShape[] = [
  { cell: 'lstm', B: 32, T: 100, I: 64, H: 128 },
  { cell: 'gru', B: 32, T: 100, I: 64, H: 128 },
  { cell: 'rnn', B: 32, T: 100, I: 64, H: 128 },
  { cell: 'lstm', B: 32, T: 400, I: 2, H: 128 },
  { cell: 'lstm', B: 64, T: 100, I: 128, H: 256 },
  { cell: 'lstm', B: 1, T: 100, I: 1, H: 32 },
];
const rounds = 12;
/** What OpenBLAS may be told that this machine is; the fastest counts. */
const cores = [undefined, 'SkylakeX', 'Haswell'];

interface StepResult {
  readonly shape: StepShape;
  /** Median of a step with one thread, and with two. */
  readonly milliseconds: number;
  readonly twoThreads: number;
  /** Of the products, with one thread. */
  readonly gflops: number;
  /** With one thread; `ratio` is the median of its time divided by ours, round by round. */
  readonly pytorch?: { readonly version: string; readonly core: string; readonly milliseconds: number; readonly ratio: number };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

async function benchStep(shape: StepShape, python: string | undefined): Promise<StepResult> {
  const perRound = Math.max(3, Math.min(200, Math.round((0.15 * 30e9) / stepFlops(shape))));
  const timer = (step: () => void) => () => {
    const times = Array.from({ length: perRound }, () => {
      const began = performance.now();
      step();
      return performance.now() - began;
    });
    return median(times);
  };
  const one = timer(trainingStep(await wasmBackend(), shape));
  const two = timer(trainingStep(await wasmBackend({ threads: 2 }), shape));
  const peers = python
    ? await Promise.all(cores.map(async (core) => ({ core, peer: await PytorchPeer.start(python, shape, 1, core) })))
    : [];
  one();
  two();
  for (const { peer } of peers) await peer.steps(3);
  const ones: number[] = [];
  const twos: number[] = [];
  const theirs = peers.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    ones.push(one());
    for (const [index, { peer }] of peers.entries()) theirs[index].push(median(await peer.steps(perRound)));
    twos.push(two());
  }
  for (const { peer } of peers) peer.stop();
  const medians = theirs.map(median);
  const best = medians.indexOf(Math.min(...medians));
  const milliseconds = median(ones);
  const pytorch =
    best < 0
      ? undefined
      : {
          version: peers[best].peer.version,
          core: cores[best] ?? 'as found',
          milliseconds: medians[best],
          ratio: median(theirs[best].map((value, round) => value / ones[round])),
        };
  return { shape, milliseconds, twoThreads: median(twos), gflops: stepFlops(shape) / milliseconds / 1e6, pytorch };
}

function stepRow({ shape: { cell, B, T, I, H }, milliseconds, twoThreads, gflops, pytorch }: StepResult, ceiling: number): string[] {
  return [
    `${cell} ${B}, ${T}, ${I}, ${H}`,
    milliseconds.toFixed(2),
    gflops.toFixed(1),
    `${((100 * gflops) / ceiling).toFixed(0)}%`,
    twoThreads.toFixed(2),
    pytorch ? pytorch.milliseconds.toFixed(2) : '',
    pytorch ? pytorch.ratio.toFixed(2) : '',
  ];
}

const heads = ['cell B, T, I, H', '1 thread, ms', 'GFLOP/s', 'of ceiling', '2 threads, ms', 'PyTorch, ms', 'PyTorch / ours'];

function stepTable(rows: readonly string[][]): string {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column].length)));
  return [heads, ...rows]
    .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  '))
    .join('\n');
}

function page(gemm: GemmReport, steps: readonly StepResult[]): string {
  const peer = steps[0].pytorch;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return `# Performance

Written by \`node bench/main.ts --write\` on ${new Date().toISOString().slice(0, 10)}: ${os.cpus()[0].model}, ${os.availableParallelism()} cores, Node ${process.version}.
Shared machines are noisy: all sides of a comparison are measured in turn in one run, and medians are compared.

## The matrix product

${gemm.detail}. The ceiling, ${gemm.ceiling.toFixed(1)} GFLOP/s, is what twelve independent multiply-adds in registers reach on one core in the
same run (\`bench/gemm.ts\`).

\`\`\`text
${gemmTable(gemm)}
\`\`\`

## One training step

Forward, read-out to 10 classes with cross-entropy at the last step, backward, clip of the global norm, Adam, in float32
(\`bench/trainingStep.ts\`). GFLOP/s count the matrix products, with one thread.${peer ? ` PyTorch ${peer.version}, one thread, the fastest of OpenBLAS's kernels (${cores.map((core) => core ?? 'as found').join(', ')}); above 1 means that ours is faster.` : ' No PyTorch was found on this machine.'}

${line(heads)}
${line(heads.map(() => '---'))}
${steps.map((step) => line(stepRow(step, gemm.ceiling))).join('\n')}
`;
}

const json = process.argv.includes('--json');
const say = (text: string) => {
  if (!json) process.stdout.write(`${text}\n`);
};

const gemm = await benchGemm();
say(gemmTable(gemm));
const python = pythonWithTorch();
say('\nOne training step: forward, read-out to 10 with cross-entropy at the last step, backward, global-norm clip, Adam; float32');
if (!python) say('(no Python with PyTorch here, so without a peer; PYTHON names one)');
const steps: StepResult[] = [];
for (const shape of shapes) steps.push(await benchStep(shape, python));
say(stepTable(steps.map((step) => stepRow(step, gemm.ceiling))));
if (json) process.stdout.write(`${JSON.stringify({ gemm, steps })}\n`);
if (process.argv.includes('--write')) writeFileSync(path.join(import.meta.dirname, '../docs/performance.md'), page(gemm, steps));
