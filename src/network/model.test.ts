import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scalarBackend } from '../compute/scalar/scalar.ts';
import { wasmBackend } from '../compute/wasm/wasm.ts';
import type { Cell } from './cell/cell.ts';
import { gru } from './cell/gru.ts';
import { checkModel, type ModelOptions } from './model.ts';
import { Network } from './network.ts';

test('options that are unknown, out of range or without meaning are refused by name', () => {
  for (const [options, field] of [
    [{ cell: 'gru', hiddenSize: 0 }, 'hiddenSize'],
    [{ cell: 'gru', hiddenSize: 2.5 }, 'hiddenSize'],
    [{ cell: 'gru', hiddenSize: 4, layers: 0 }, 'layers'],
    [{ cell: 'gru', hiddenSize: 4, activation: 'tanh' }, 'activation'],
    [{ cell: 'gru', hiddenSize: 4, forgetBias: 1 }, 'forgetBias'],
    [{ cell: 'gru', hiddenSize: 4, residual: true }, 'residual'],
    [{ cell: 'gru', hiddenSize: 4, dropout: 0.1 }, 'dropout'],
    [{ cell: 'gru', hiddenSize: 4, layers: 2, dropout: 1 }, 'dropout'],
    [{ cell: 'gru', hiddenSize: 4, hidenSize: 4 }, 'hidenSize'],
    [{ cell: 'gru', hiddenSize: 4, forgetBias: 'chrono' }, 'forgetBias'],
    [{ cell: 'lru', hiddenSize: 4, forgetBias: 1 }, 'forgetBias'],
    [{ cell: 'lru', hiddenSize: 4, orthogonal: true }, 'orthogonal'],
    [{ cell: 'mingru', hiddenSize: 4, recurrentInit: 'identity' }, 'recurrentInit'],
    [{ cell: 'rnn', hiddenSize: 4, orthogonal: true, recurrentInit: { gaussian: 1 } }, 'orthogonal'],
    [{ cell: 'rnn', hiddenSize: 4, orthogonal: true, recurrentInit: { orthogonal: 1 } }, 'orthogonal'],
    [{ cell: 'rnn', hiddenSize: 4, orthogonal: {}, recurrentInit: 'default' }, 'orthogonal'],
    [{ cell: 'rnn', hiddenSize: 4, orthogonal: { by: 'qr' } }, 'orthogonal.by'],
    [{ cell: 'rnn', hiddenSize: 4, orthogonal: { learningRate: 0 } }, 'orthogonal.learningRate'],
    [{ cell: 'rnn', hiddenSize: 1, orthogonal: true }, 'orthogonal'],
  ] as const) {
    assert.throws(() => checkModel(options as ModelOptions), { code: 'OPTION_INVALID', place: { field: `model.${field}` } });
  }
  checkModel({ cell: 'gru', hiddenSize: 4, orthogonal: { by: 'polar' }, recurrentInit: 'cayley' });
  checkModel({ cell: 'mingru', hiddenSize: 4, forgetBias: 'chrono', orthogonal: false });
  checkModel({ cell: 'lstm', hiddenSize: 4, layers: 2, residual: true, dropout: 0.5, forgetBias: 'chrono' });
});

test('a cell of the user’s own runs its own arithmetic, even under the name of a built-in one', async () => {
  const mine: Cell = { ...gru, forward: ({ states: [h], nextAt, B, H }) => void h.fill(7, nextAt, nextAt + B * H) };
  for (const backend of [scalarBackend(), await wasmBackend()]) {
    const network = new Network(backend, { cell: mine, hiddenSize: 3 }, { kind: 'vectors', size: 1 }, 1);
    assert.equal(network.kernel, mine);
  }
});
