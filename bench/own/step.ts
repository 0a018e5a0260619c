import type { Backend } from '../../src/compute/backend.ts';
import { Random } from '../../src/compute/random.ts';
import { allocateBatch } from '../../src/network/batch.ts';
import { losses } from '../../src/network/loss/losses.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { Unrolled } from '../../src/network/unroll/unrolled.ts';
import { clipOf } from '../../src/training/clip/clips.ts';
import { trainingDefaults } from '../../src/training/options.ts';
import { Updater } from '../../src/training/updater.ts';
import { O, type Workload } from '../workload.ts';

/**
 * A whole training step: forward, read-out of H to 10 with softmax cross-entropy, backward, global-norm clip at 1, Adam. Returns a
 * function that makes one, on random data, and returns its loss.
 */
export function trainingStep(backend: Backend, { cell, B, T, I, H, loss }: Workload): () => number {
  const model: ModelOptions = { cell, hiddenSize: H };
  const network = new Network(backend, model, { kind: 'vectors', size: I }, O);
  initialize(network, model, 0);
  const unrolled = new Unrolled(network, T, B);
  const batch = allocateBatch(backend, network.input, { kind: 'classes', size: O }, T, B);
  const random = new Random(1);
  for (let i = 0; i < T * B * I; i++) batch.vectors[i] = random.normal();
  for (let row = loss === 'every' ? 0 : (T - 1) * B; row < T * B; row++) {
    batch.rows[batch.counted] = row;
    batch.classes[batch.counted++] = random.below(O);
  }
  const updater = new Updater(network.parameters, backend, trainingDefaults);
  const clip = clipOf({ globalNorm: 1 });
  const { gradient, length } = network.parameters;
  let step = 0;
  return () => {
    unrolled.reset();
    unrolled.forward(batch);
    const sum = unrolled.backward(losses.crossEntropy);
    const norm = Math.sqrt(backend.sumSquares(gradient, 0, length));
    clip({ backend, gradient, length, norm });
    updater.apply(0.001, norm, ++step);
    network.changed();
    return sum;
  };
}
