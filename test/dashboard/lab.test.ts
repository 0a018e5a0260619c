import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lessons } from '../../dashboard/lab/lesson/lessons.ts';
import { addressOf, nameOf, networkRules, type Setup, setupFrom } from '../../dashboard/lab/setup.ts';
import { modelOf, train } from '../../dashboard/lab/worker/training.ts';
import { checkModel, scalarBackend, wasmBackend } from '../../src/index.ts';

describe('the setup of the lab', () => {
  const [first] = lessons;

  test('every setup comes back from its address, and one that a lesson gives needs no fields', () => {
    for (const { id, setup } of lessons) {
      assert.equal(addressOf(id, setup, setup, ''), `?lesson=${id}`);
      assert.deepEqual(setupFrom(addressOf(id, setup, first.setup, ''), first.setup), setup);
    }
    const [network] = first.setup.networks;
    const changed: Setup = { ...first.setup, task: 'parity', length: 7, networks: [{ ...network, clip: 0.25, window: 3, cell: 'gru' }] };
    assert.deepEqual(setupFrom(addressOf('x', changed, first.setup, '?theme=dark'), first.setup), changed);
    assert.match(addressOf('x', changed, first.setup, '?theme=dark'), /theme=dark/);
  });

  test('what is not allowed in an address counts as not said', () => {
    const { setup } = first;
    const search = '?task=<script>&length=1e9&updates=0.5&a.cell=__proto__&a.clip=-1&a.hidden=NaN&a.rate=&networks=3';
    assert.deepEqual(setupFrom(search, setup), setup);
  });

  test('every lesson asks the core for models that it accepts, and names them apart', () => {
    for (const { setup } of lessons) {
      for (const network of setup.networks) checkModel(modelOf(network));
      const names = setup.networks.map(nameOf);
      assert.equal(new Set(names).size, names.length);
    }
  });

  test('a choice that the core refuses is refused with its sentence', async () => {
    const [network] = first.setup.networks;
    const kept = { ...network, start: 'default', keeps: 'orthogonal' } as const;
    await assert.rejects(train(scalarBackend(), { ...first.setup, length: 5 }, kept).next(), /keeps an orthogonal matrix/);
  });

  test('what can be chosen is what a network is made of', () => {
    for (const { setup } of lessons)
      for (const network of setup.networks) assert.deepEqual(Object.keys(network).sort(), Object.keys(networkRules).sort());
  });
});

test('a training in the lab tells updates in order, looks at the gradient from the beginning to the end, and evaluates', async () => {
  const [network] = lessons[0].setup.networks;
  const kinds: string[] = [];
  const updates: number[] = [];
  const looks: number[] = [];
  const evaluations: number[] = [];
  const setup = { task: 'recall', length: 4, updates: 30, seed: 0 } as const;
  for await (const news of train(await wasmBackend(), setup, { ...network, hidden: 8 })) {
    kinds.push(news.kind);
    if (news.kind === 'updates') updates.push(...news.updates.map(({ update }) => update));
    if (news.kind === 'look') looks.push(news.update);
    if (news.kind === 'evaluation') evaluations.push(news.update);
    if (news.kind === 'begun') assert.deepEqual([news.dataHorizon, Math.abs((news.constant ?? 0) - Math.log(8)) < 0.05], [5, true]);
  }
  assert.deepEqual([kinds[0], kinds.at(-1)], ['begun', 'done']);
  assert.deepEqual(
    updates,
    Array.from({ length: 30 }, (_, index) => index + 1),
  );
  assert.deepEqual([looks[0], looks.at(-1), evaluations.at(-1)], [0, 30, 30]);
});
