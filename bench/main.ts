/**
 * Every question of speed that this repository answers, in one run: `npm run bench`, with `--json` for JSON alone. Peers are
 * measured in turn with our own side, a few steps each; medians are compared.
 */
import { wasmBackend } from '../src/compute/wasm/wasm.ts';
import { benchGemm, gemmTable } from './gemm.ts';
import { PytorchPeer, pythonWithTorch } from './pytorch.ts';
import { type StepShape, stepFlops, trainingStep } from './trainingStep.ts';

const shapes: StepShape[] = [
  { cell: 'lstm', B: 32, T: 100, I: 64, H: 128 },
  { cell: 'gru', B: 32, T: 100, I: 64, H: 128 },
  { cell: 'rnn', B: 32, T: 100, I: 64, H: 128 },
  { cell: 'lstm', B: 32, T: 400, I: 2, H: 128 },
  { cell: 'lstm', B: 1, T: 100, I: 1, H: 32 },
];
const rounds = 12;
/** What OpenBLAS may be told that this machine is; the fastest counts. */
const cores = [undefined, 'SkylakeX', 'Haswell'];

interface StepResult {
  readonly shape: StepShape;
  readonly milliseconds: number;
  readonly gflops: number;
  readonly pytorch?: { readonly version: string; readonly core: string; readonly milliseconds: number; readonly ratio: number };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

async function benchStep(shape: StepShape, python: string | undefined): Promise<StepResult> {
  const step = trainingStep(await wasmBackend(), shape);
  const estimate = stepFlops(shape) / 30e9;
  const perRound = Math.max(3, Math.min(200, Math.round(0.15 / estimate)));
  const own = () =>
    Array.from({ length: perRound }, () => {
      const began = performance.now();
      step();
      return performance.now() - began;
    });
  const peers = python
    ? await Promise.all(cores.map(async (core) => ({ core, peer: await PytorchPeer.start(python, shape, 1, core) })))
    : [];
  own();
  for (const { peer } of peers) await peer.steps(3);
  const ours: number[] = [];
  const theirs = peers.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    ours.push(median(own()));
    for (const [index, { peer }] of peers.entries()) theirs[index].push(median(await peer.steps(perRound)));
  }
  for (const { peer } of peers) peer.stop();
  const milliseconds = median(ours);
  const medians = theirs.map(median);
  const best = medians.indexOf(Math.min(...medians));
  return {
    shape,
    milliseconds,
    gflops: stepFlops(shape) / milliseconds / 1e6,
    pytorch:
      best < 0
        ? undefined
        : {
            version: peers[best].peer.version,
            core: cores[best] ?? 'as found',
            milliseconds: medians[best],
            ratio: median(theirs[best].map((value, round) => value / ours[round])),
          },
  };
}

const json = process.argv.includes('--json');
const say = (text: string) => {
  if (!json) process.stdout.write(`${text}\n`);
};

const gemm = await benchGemm();
say(gemmTable(gemm));
const python = pythonWithTorch();
say(
  '\nOne training step: forward, read-out to 10 with cross-entropy at the last step, backward, global-norm clip, Adam; float32, one thread',
);
if (!python) say('(no Python with PyTorch here, so without a peer; PYTHON names one)');
const steps: StepResult[] = [];
for (const shape of shapes) {
  const result = await benchStep(shape, python);
  steps.push(result);
  const { cell, B, T, I, H } = shape;
  const name = `${cell.padEnd(4)} B ${B} T ${T} I ${I} H ${H}`;
  const own = `${result.milliseconds.toFixed(2).padStart(8)} ms  ${result.gflops.toFixed(1).padStart(5)} GFLOP/s`;
  const share = `${((100 * result.gflops) / gemm.ceiling).toFixed(0).padStart(3)}% of the ceiling`;
  const peer = result.pytorch
    ? `   PyTorch ${result.pytorch.version} (${result.pytorch.core}) ${result.pytorch.milliseconds.toFixed(2)} ms, ${result.pytorch.ratio.toFixed(2)} x ours`
    : '';
  say(`  ${name.padEnd(28)}${own}  ${share}${peer}`);
}
if (json) process.stdout.write(`${JSON.stringify({ gemm, steps })}\n`);
