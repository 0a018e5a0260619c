/** A shift register of four units, whose read-out is the input of three steps ago: it uses the newest four inputs and nothing older. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SequencesBuilder, StoredSequences } from '../../src/data/storedSequences.ts';
import { Probes } from '../../src/diagnosis/examination/probes.ts';
import { type Usage, usagePieces } from '../../src/diagnosis/examination/usage.ts';
import { Random, scalarBackend } from '../../src/index.ts';
import { losses } from '../../src/network/loss/losses.ts';
import { Network } from '../../src/network/network.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';

const H = 4;

function register(): Network {
  const network = new Network(scalarBackend(), { cell: 'rnn', activation: 'relu', hiddenSize: H }, { kind: 'vectors', size: 1 }, 1);
  const { parameters } = network;
  parameters.values.fill(0);
  parameters.valuesOf('weight_ih_l0')[0] = 1;
  for (let unit = 1; unit < H; unit++) parameters.valuesOf('weight_hh_l0')[unit * H + unit - 1] = 1;
  parameters.valuesOf('readout.weight')[H - 1] = 1;
  network.changed();
  return network;
}

/** Uniform numbers, lengths from 8 to 12; the target is the input of three steps before the last. */
function delayed(count: number): StoredSequences {
  const random = new Random(3);
  const builder = new SequencesBuilder();
  for (let n = 0; n < count; n++) {
    const x = Array.from({ length: 8 + random.below(5) }, () => random.uniform());
    for (const each of x) builder.vectors.push(each);
    builder.targetSteps.push(x.length - 1);
    builder.values.push(x[x.length - H]);
    builder.end(x.length);
  }
  return new StoredSequences({ input: { kind: 'vectors', size: 1 }, target: { kind: 'values', size: 1 }, loss: 'mse' }, builder.take());
}

function usage(network: Network, dataset: StoredSequences, windows: number[]): Usage {
  const probes = new Probes(network.backend, dataset, { count: 400, steps: 12, seed: 1 });
  const pieces = usagePieces(new Unrolled(network, probes.batch.T, probes.batch.B), probes, losses.mse, windows);
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
  }
}

test('the loss rises by twice the variance up to the window that holds the input, and by nothing from there on', () => {
  const { points, loss, targets, steps } = usage(register(), delayed(400), [0, 1, 2, 3, 4, 6, 8]);
  assert.equal(targets, 400);
  assert.equal(steps, 12);
  assert.ok(loss < 1e-20);
  for (const { window, gain, error } of points) {
    // The input of another sequence is independent: E (x' - x)² = 2 Var(x) = 1/6.
    if (window < H) assert.ok(Math.abs(gain - 1 / 6) < 4 * error && error < 0.01, `${window}: ${gain} ± ${error}`);
    else assert.equal(gain, 0);
  }
});

test('a network that reads nothing uses nothing', () => {
  const network = register();
  network.parameters.valuesOf('readout.weight').fill(0);
  network.changed();
  for (const { gain } of usage(network, delayed(100), [0, 2, 5]).points) assert.equal(gain, 0);
});
