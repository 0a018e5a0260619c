import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromKeras, type KerasConfig, type KerasRecurrent, kerasCell } from './keras.ts';

const array = (shape: number[], value: (index: number) => number = (index) => index) => {
  return { shape, values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => value(index)) };
};
const config = (kind: KerasConfig['kind'], more: Partial<KerasConfig> = {}): KerasConfig => {
  return { name: kind.toLowerCase(), kind, units: 2, activation: 'tanh', ...more };
};
const dense = { name: 'dense', kernel: array([2, 1]), bias: array([1], () => 7) };
const layer = (kind: KerasConfig['kind'], gates: number, more: Partial<KerasRecurrent> = {}): KerasRecurrent => {
  return { config: config(kind), kernel: array([3, gates * 2]), recurrentKernel: array([2, gates * 2]), bias: array([gates * 2]), ...more };
};
const named = (layers: readonly KerasRecurrent[]) =>
  new Map(fromKeras(layers, dense).map(({ name, values }) => [name, Array.from(values)]));

describe('the arrays of Keras as our parameters', () => {
  test('a matrix [inputs, outputs] is [outputs, inputs]; a bias for both terms is the one of the input', () => {
    const found = named([layer('SimpleRNN', 1)]);
    // kernel [[0, 1], [2, 3], [4, 5]]
    assert.deepEqual(found.get('weight_ih_l0'), [0, 2, 4, 1, 3, 5]);
    assert.deepEqual(found.get('weight_hh_l0'), [0, 2, 1, 3]);
    assert.deepEqual(found.get('bias_ih_l0'), [0, 1]);
    assert.deepEqual(found.get('bias_hh_l0'), [0, 0]);
    assert.deepEqual(found.get('readout.weight'), [0, 1]);
    assert.deepEqual(found.get('readout.bias'), [7]);
  });

  test('the gates of an LSTM are in our order, those of a GRU are z, r, h for r, z, n', () => {
    assert.deepEqual(named([layer('LSTM', 4)]).get('bias_ih_l0'), [0, 1, 2, 3, 4, 5, 6, 7]);
    const gru = named([layer('GRU', 3, { config: config('GRU', { resetAfter: true }), bias: array([2, 6]) })]);
    assert.deepEqual(gru.get('bias_ih_l0'), [2, 3, 0, 1, 4, 5]);
    assert.deepEqual(gru.get('bias_hh_l0'), [8, 9, 6, 7, 10, 11]);
    // recurrent kernel [[0..5], [6..11]], columns z z r r h h
    assert.deepEqual(gru.get('weight_hh_l0'), [2, 8, 3, 9, 0, 6, 1, 7, 4, 10, 5, 11]);
  });

  test('layers are numbered; what has no bias has zeros', () => {
    const second = layer('SimpleRNN', 1, { kernel: array([2, 2]), bias: undefined });
    const found = named([layer('SimpleRNN', 1), second]);
    assert.deepEqual(found.get('weight_ih_l1'), [0, 2, 1, 3]);
    assert.deepEqual(found.get('bias_ih_l1'), [0, 0]);
  });

  test('what does not fit is refused by the name of its layer', () => {
    const wide = layer('SimpleRNN', 1, { recurrentKernel: array([2, 4]) });
    assert.throws(() => named([wide]), /simplernn.*recurrent kernel of the shape \[2,4\].*\[2,2\]/);
    assert.throws(() => named([layer('SimpleRNN', 1), layer('LSTM', 4)]), /lstm.*one kind/);
    assert.throws(() => named([]), /no recurrent layer/);
  });
});

test('a layer is one of our cells, or is refused by a sentence that says why', () => {
  assert.deepEqual(kerasCell(config('SimpleRNN', { activation: 'relu' })), { cell: 'rnn', activation: 'relu' });
  assert.deepEqual(kerasCell(config('LSTM', { recurrentActivation: 'hard_sigmoid' })), { cell: 'lstm', gates: 'hardSigmoid' });
  assert.deepEqual(kerasCell(config('GRU', { resetAfter: true })), { cell: 'gru', gates: 'sigmoid' });
  assert.deepEqual(kerasCell(config('GRU')), { cell: 'gru-reset-before', gates: 'sigmoid' });
  assert.throws(() => kerasCell(config('LSTM', { recurrentActivation: 'softmax' })), /softmax/);
  assert.throws(() => kerasCell(config('LSTM', { activation: 'relu' })), /activation relu/);
  assert.throws(() => kerasCell(config('SimpleRNN', { goBackwards: true })), /backwards/);
});
