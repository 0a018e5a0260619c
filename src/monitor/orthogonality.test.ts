import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import type { ModelOptions } from '../network/model.ts';
import { initialize, Network } from '../network/network.ts';
import { orthogonality } from './orthogonality.ts';

function networkOf(model: ModelOptions): Network {
  const network = new Network(scalarBackend(), model, { kind: 'vectors', size: 1 }, 1);
  initialize(network, model, 2);
  return network;
}

test('an orthogonal matrix has the distance 0, in every gate and layer', () => {
  const distances = orthogonality(networkOf({ cell: 'lstm', hiddenSize: 5, layers: 2, recurrentInit: 'orthogonal' }));
  assert.deepEqual(Object.keys(distances), ['weight_hh_l0', 'weight_hh_l1']);
  for (const gates of Object.values(distances)) {
    assert.equal(gates.length, 4);
    for (const distance of gates) assert.ok(distance < 1e-12);
  }
});

test('2I in 3 dimensions: 4I - I has the Frobenius norm 3 sqrt(3)', () => {
  const network = networkOf({ cell: 'rnn', hiddenSize: 3 });
  network.parameters.valuesOf('weight_hh_l0').set([2, 0, 0, 0, 2, 0, 0, 0, 2]);
  assert.ok(Math.abs(orthogonality(network).weight_hh_l0[0] - 3 * Math.sqrt(3)) < 1e-12);
});

test('a shear [1 a; 0 1]: WᵀW - I = [0 a; a a²], each gate on its own', () => {
  const network = networkOf({ cell: 'gru', hiddenSize: 2 });
  network.parameters.valuesOf('weight_hh_l0').set([1, 0.5, 0, 1, 1, 0, 0, 1, 1, 2, 0, 1]);
  const norm = (a: number) => Math.sqrt(2 * a * a + a ** 4);
  assert.deepEqual(orthogonality(network).weight_hh_l0, [norm(0.5), 0, norm(2)]);
});
