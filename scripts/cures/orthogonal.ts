/**
 * What it costs to keep a recurrent matrix orthogonal, by each map and by a QR decomposition, beside the training step that it belongs to;
 * and how far from orthogonal the matrices are over 100,000 updates of a training. Writes docs/measured/orthogonal.json and .md.
 * `npm run measure:orthogonal`, about five minutes; `--updates N` makes fewer of them.
 */

import { parseArgs } from 'node:util';
import type { Backend, Reals } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { makeTask } from '../../src/data/task/tasks.ts';
import { orthogonality } from '../../src/monitor/orthogonality.ts';
import { allocateBatch } from '../../src/network/batch.ts';
import { fillBatch } from '../../src/network/gradcheckCell.ts';
import { orthogonal } from '../../src/network/init/orthogonal.ts';
import { losses } from '../../src/network/loss/losses.ts';
import { initialize, Network } from '../../src/network/network.ts';
import type { OrthogonalMapName } from '../../src/network/orthogonal/orthogonal.ts';
import { orthogonalMaps } from '../../src/network/orthogonal/orthogonals.ts';
import { Squares } from '../../src/network/orthogonal/squares.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { trainingDefaults } from '../../src/training/options.ts';
import { Trainer } from '../../src/training/trainer.ts';
import { writeMeasured } from '../writeMeasured.ts';

const { values: flags } = parseArgs({ options: { updates: { type: 'string' } } });
const updates = Number(flags.updates ?? 100_000);
const sizes = [64, 128, 256, 512];
/** ‖A‖₂ of one update: a small learning rate, one as in a training, and one as at its beginning. */
const norms = [0.001, 0.03, 0.3];
const step = { T: 100, B: 64 };
const names = Object.keys(orthogonalMaps) as OrthogonalMapName[];
const backend = await wasmBackend();

/** The least processor time of some calls, in milliseconds: what the machine does beside does not count. */
function fastest(call: () => void, calls = 7): number {
  let best = Infinity;
  for (let i = 0; i < calls; i++) {
    const began = process.cpuUsage();
    call();
    const { user, system } = process.cpuUsage(began);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

function trainingStep(H: number): number {
  const mark = backend.mark();
  const { T, B } = step;
  const model = { cell: 'rnn', hiddenSize: H, recurrentInit: 'orthogonal' } as const;
  const network = new Network(backend, model, { kind: 'vectors', size: 10 }, 10);
  initialize(network, model, 1);
  const batch = allocateBatch(backend, network.input, { kind: 'classes', size: 10 }, T, B);
  fillBatch(batch, 'last', new Random(1));
  const unrolled = new Unrolled(network, T, B);
  const time = fastest(() => {
    network.changed();
    unrolled.forward(batch);
    unrolled.backward(losses.crossEntropy);
  });
  backend.release(mark);
  return time;
}

/** W + W A made orthogonal again by Gram and Schmidt, row by row in float64, as a QR decomposition of its transpose. */
function qr(squares: Squares, W: Reals, A: Reals, to: Reals): void {
  const { H } = squares;
  squares.moved(W, A, to);
  const rows = Float64Array.from(to);
  for (let r = 0; r < H; r++) {
    for (let q = 0; q < r; q++) {
      let along = 0;
      for (let j = 0; j < H; j++) along += rows[r * H + j] * rows[q * H + j];
      for (let j = 0; j < H; j++) rows[r * H + j] -= along * rows[q * H + j];
    }
    let square = 0;
    for (let j = 0; j < H; j++) square += rows[r * H + j] ** 2;
    for (let j = 0; j < H; j++) rows[r * H + j] /= Math.sqrt(square);
  }
  to.set(rows);
}

/** Milliseconds of one update of one block: the gradient by A, and W f(A). */
function costs(H: number, norm: number): Record<string, number> {
  const mark = backend.mark();
  const random = new Random(2);
  const squares = new Squares(backend, H);
  const [W, A, G, S, to, turned] = Array.from({ length: 6 }, () => backend.allocate(H * H));
  orthogonal(1)(W, 0, H, random);
  for (let i = 0; i < H; i++) {
    for (let j = 0; j < i; j++) {
      // The largest singular value of a skew-symmetric matrix of independent numbers of deviation d is about 2 d sqrt(H).
      A[i * H + j] = (random.normal() * norm) / (2 * Math.sqrt(H));
      A[j * H + i] = -A[i * H + j];
      G[i * H + j] = random.normal();
    }
  }
  const bound = Math.sqrt(backend.sumSquares(A, 0, H * H) / 2);
  const gradient = () => squares.transposedProduct(W, G, S);
  const result: Record<string, number> = {};
  for (const name of names) {
    result[name] = fastest(() => {
      gradient();
      turned.set(A);
      orthogonalMaps[name].move(squares, W, turned, bound, to);
    });
  }
  result.QR = fastest(() => {
    gradient();
    qr(squares, W, A, to);
  }, 2);
  backend.release(mark);
  return result;
}

/** Largest ‖WᵀW - I‖ seen in a training, looked at every hundredth of it. */
function distances(by: OrthogonalMapName, used: Backend): { largest: number; last: number; loss: number } {
  const data = makeTask({ kind: 'task', name: 'copying', length: 5, memory: 3, symbols: 4, trainSequences: 5000, validationSequences: 10 });
  const model = { cell: 'rnn', hiddenSize: 32, orthogonal: { by } } as const;
  const mark = used.mark();
  const network = new Network(used, model, data.train.input, data.train.target.size);
  initialize(network, model, 1);
  const trainer = new Trainer(network, data.train, { ...trainingDefaults, optimizer: 'rmsprop', batchSize: 8, updates });
  let largest = 0;
  let last = 0;
  let loss = Number.NaN;
  while (!trainer.done) {
    loss = trainer.step().loss;
    if (trainer.update % Math.max(1, Math.floor(updates / 100)) !== 0) continue;
    last = orthogonality(network).weight_hh_l0[0];
    largest = Math.max(largest, last);
  }
  used.release(mark);
  return { largest, last, loss };
}

const steps = sizes.map((H) => ({ H, milliseconds: trainingStep(H) }));
const cost = sizes.flatMap((H) => norms.map((norm) => ({ H, norm, milliseconds: costs(H, norm) })));
const over = names.map((by) => {
  const found = { by, ...distances(by, backend) };
  process.stderr.write(`${JSON.stringify(found)}\n`);
  return found;
});

const show = (value: number) => (value < 10 ? value.toFixed(2) : value.toFixed(0));
const columns = [...names, 'QR'];
const rows = cost.map(({ H, norm, milliseconds }) => {
  const whole = steps.find((each) => each.H === H)?.milliseconds ?? Number.NaN;
  const cells = columns.map((name) => `${show(milliseconds[name])} (${((100 * milliseconds[name]) / whole).toFixed(1)}%)`);
  return `| ${H} | ${norm} | ${show(whole)} | ${cells.join(' | ')} |`;
});
writeMeasured(
  'orthogonal',
  { updates, sizes, norms, step, steps, cost, over },
  `# Keeping a recurrent matrix orthogonal: what it costs, and how exact it is

Milliseconds of what an update of one block [H, H] takes beyond the optimizer, and in brackets its share of the training step that it belongs to: a plain network
of H units, ${step.T} steps of ${step.B} sequences, forward and back. Processor time of one thread of the wasm kernels, the least of several calls. ‖A‖ is the angle of the update. QR is
the step along the tangent made orthogonal by Gram and Schmidt in plain float64 loops, the way that was not taken.

| H | ‖A‖ | training step | ${columns.join(' | ')} |
|---|---|---|${columns.map(() => '---').join('|')}|
${rows.join('\n')}

Over ${updates} updates of a training (copying over 5 steps, 32 tanh units, RMSProp at 0.001, float32), ‖WᵀW - I‖ looked at every ${Math.max(1, Math.floor(updates / 100))} of them:

| | largest | after the last |
|---|---|---|
${over.map(({ by, largest, last }) => `| ${by} | ${largest.toExponential(1)} | ${last.toExponential(1)} |`).join('\n')}

All numbers are in [orthogonal.json](orthogonal.json). Made by \`npm run measure:orthogonal\`.
`,
);
