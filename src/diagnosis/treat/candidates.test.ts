import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Finding } from '../verdict/verdict.ts';
import { added, type Candidate, candidatesFor } from './candidates.ts';

const finding = (...sets: Record<string, unknown>[]): Finding => ({
  ...{ kind: 'vanishing', because: 'It does.', evidence: {} },
  prescription: sets.map((set, index) => ({ set, why: `reason ${index}` })),
});
const changes = (found: readonly Candidate[]) => found.map(({ change }) => change);
const all = { known: [], accepts: () => true };

describe('the candidates for a finding', () => {
  test('each prescription in its order, then one of the training with one of the model', () => {
    const lstm = { 'model.cell': 'lstm' };
    const clip = { 'training.clip': 'auto' };
    assert.deepEqual(changes(candidatesFor([finding(clip, lstm)], all)), [clip, lstm, { ...lstm, ...clip }]);
  });

  test('more updates are not put together with anything', () => {
    const found = candidatesFor([finding({ 'model.cell': 'lstm' }, { 'training.updates': 400 })], all);
    assert.equal(found.length, 2);
  });

  test('none that is not accepted, has been tried, or comes twice', () => {
    const options = { known: [{ 'model.cell': 'gru' }], accepts: (change: object) => !('model.skip' in change) };
    const found = candidatesFor(
      [finding({ 'model.cell': 'gru' }, { 'model.skip': 1 }, { 'model.cell': 'lru' }, { 'model.cell': 'lru' })],
      options,
    );
    assert.deepEqual(changes(found), [{ 'model.cell': 'lru' }]);
  });

  test('on top of what has helped, with the reasons for both', () => {
    const base = { change: { 'training.clip': 'auto' }, why: ['it exploded'] };
    const [first] = candidatesFor([finding({ 'model.hiddenSize': 64 })], { ...all, base });
    assert.deepEqual(first, { change: { 'training.clip': 'auto', 'model.hiddenSize': 64 }, why: ['it exploded', 'reason 0'] });
  });

  test('another cell does away with what was said of the one before', () => {
    const lstm = { change: { 'model.cell': 'lstm', 'model.forgetBias': 'chrono', 'training.clip': 'auto' }, why: [] };
    const { change } = added(lstm, { change: { 'model.cell': 'gru' }, why: [] });
    assert.deepEqual(change, { 'model.cell': 'gru', 'model.forgetBias': null, 'training.clip': 'auto' });
  });
});
