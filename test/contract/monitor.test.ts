/** What every monitor keeps: it measures the same again, changes nothing, and has its name, its page and its cost. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { Backend } from '../../src/compute/backend.ts';
import { scalarBackend } from '../../src/compute/scalar/scalar.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { SequencesBuilder, StoredSequences } from '../../src/data/storedSequences.ts';
import { makeTask } from '../../src/data/task/tasks.ts';
import { lookAt, lookShape } from '../../src/monitor/look.ts';
import { costOf, defaultMonitors, monitors } from '../../src/monitor/monitors.ts';
import type { Cell } from '../../src/network/cell/cell.ts';
import { cells } from '../../src/network/cell/cells.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { toJson } from '../../src/run/json.ts';

const drawn = { seed: 0, update: 0 };
const root = path.resolve(import.meta.dirname, '../..');
const data = makeTask({
  kind: 'task',
  name: 'recall',
  lag: 2,
  length: [3, 9],
  read: 'every',
  trainSequences: 12,
  validationSequences: 1,
}).train;

/** A cell that does not tell its functions and has no fused kernel. */
const own: Cell = {
  ...{ name: 'own', gates: 1, apart: 0, states: ['h'] },
  forward({ B, H, pre, preAt, states: [h], previousAt, nextAt }) {
    for (let i = 0; i < B * H; i++) h[nextAt + i] = Math.sin(pre[preAt + i]) + 0.5 * h[previousAt + i];
  },
  backward({ B, H, pre, preAt, dStates: [dh] }) {
    for (let i = 0; i < B * H; i++) {
      pre[preAt + i] = dh[i] * Math.cos(pre[preAt + i]);
      dh[i] *= 0.5;
    }
  },
};

function networkOf(backend: Backend, cell: Cell, layers: number): Network {
  const model = { cell, hiddenSize: 5, layers, residual: layers > 1 };
  const network = new Network(backend, model, data.input, data.target.size);
  initialize(network, model, 3);
  return network;
}

test('the default ones are monitors, and all names are different', () => {
  const names = monitors.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of defaultMonitors) assert.ok(names.includes(name), name);
});

for (const monitor of monitors) {
  describe(`monitor ${monitor.name}`, () => {
    const file = monitor.name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

    test('its name is that of its file and of its page, and docs/runs.md says what it gives', () => {
      assert.ok(existsSync(path.join(root, `src/monitor/${file}.ts`)));
      assert.ok(existsSync(path.join(root, `docs/math/${file}.md`)));
      assert.ok(readFileSync(path.join(root, 'docs/runs.md'), 'utf8').includes(`| [\`${monitor.name}\`](math/${file}.md) |`));
    });

    for (const [name, backend] of [
      ['scalar', scalarBackend()],
      ['wasm', undefined],
    ] as const) {
      test(`${name}: measures any cell in one layer and in two, the same again, and changes nothing`, async () => {
        const used = backend ?? (await wasmBackend());
        for (const cell of [...cells, own]) {
          for (const layers of [1, 2]) {
            const mark = used.mark();
            const network = networkOf(used, cell, layers);
            const before = [...network.parameters.values];
            const top = used.mark();
            const measure = () =>
              lookAt(lookShape(network, data, [monitor], { sequences: 6 }), drawn, (look) => toJson(monitor.measure(look) ?? null));
            const value = measure();
            assert.equal(measure(), value);
            const nothingThere = monitor.name === 'orthogonality' && cell.recurrentMatrix === false;
            assert.ok(value.length > 4 || nothingThere || ['half-life', 'saturation'].includes(monitor.name), value);
            assert.doesNotMatch(value, /NaN/);
            assert.deepEqual([...network.parameters.values], before);
            assert.equal(used.mark(), top);
            used.release(mark);
          }
        }
      });
    }

    test('together with another on the same look, each gives what it gives alone', () => {
      const shape = lookShape(networkOf(scalarBackend(), cells[2], 2), data, monitors);
      const alone = (each: typeof monitor) => lookAt(shape, drawn, (look) => toJson(each.measure(look)));
      const expected = [monitor, ...monitors].map(alone);
      const found = lookAt(shape, drawn, (look) => [monitor, ...monitors].map((each) => toJson(each.measure(look))));
      assert.deepEqual(found, expected);
    });

    test('no sequence has a target, or a step after the first: an answer without numbers, not an error', () => {
      const builder = new SequencesBuilder();
      for (let n = 0; n < 3; n++) {
        builder.symbols.push(n);
        builder.end(1);
      }
      const dataset = new StoredSequences(data, builder.take());
      const network = networkOf(scalarBackend(), cells[2], 1);
      lookAt(lookShape(network, dataset, [monitor]), drawn, (look) => assert.doesNotMatch(toJson(monitor.measure(look) ?? null), /NaN/));
    });

    test('its cost grows with what it looks at', () => {
      const network = networkOf(scalarBackend(), cells[2], 1);
      const shape = lookShape(network, data, [monitor]);
      const training = { T: 9, B: 12 };
      assert.ok(monitor.work(shape) >= 0 && costOf([monitor], shape, training) > 0);
      assert.ok(monitor.work({ ...shape, T: 2 * shape.T, B: 2 * shape.B }) >= monitor.work(shape));
    });
  });
}
