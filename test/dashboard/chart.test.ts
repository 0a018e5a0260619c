import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { figureCsv, nearest } from '../../dashboard/chart/figure.ts';
import { placeLabels } from '../../dashboard/chart/labels.ts';
import { extentOf, scaleOver } from '../../dashboard/chart/scales.ts';
import { short, shortPower, superscript } from '../../dashboard/data/numbers.ts';
import { thin } from '../../dashboard/data/thin.ts';

describe('numbers in words', () => {
  test('small and large ones are powers of ten, also where no number holds them', () => {
    assert.deepEqual([short(0.5), short(1234), short(0), short(null), short(Number.NaN)], ['0.5', '1234', '0', '–', 'NaN']);
    assert.equal(short(1.234e-9), '1.23·10⁻⁹');
    assert.equal(short(-4.1e41), '-4.1·10⁴¹');
    assert.equal(shortPower(-120), '1·10⁻¹²⁰');
    assert.equal(shortPower(-400.5), '3.16·10⁻⁴⁰¹');
    assert.equal(shortPower(null), '0');
    assert.equal(superscript(-1024), '⁻¹⁰²⁴');
  });
});

describe('scales', () => {
  test('a length leads back to its value, in every kind', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('linear', 'log', 'log10'),
        fc.double({ min: 0.01, max: 1e6, noNaN: true }),
        fc.double({ min: 1.5, max: 1e4, noNaN: true }),
        (kind, low, factor) => {
          const high = low * factor;
          const scale = scaleOver(kind as 'log', [low, high], [50, 650], 5);
          for (const value of [low, (low + high) / 2, high])
            assert.ok(Math.abs(scale.invert(scale(value)) - value) <= 1e-9 * Math.max(1, high));
          for (const { at } of scale.ticks) assert.ok(scale(at) >= 49 && scale(at) <= 651, `${kind} tick ${at}`);
        },
      ),
    );
  });

  test('a logarithmic extent leaves out what it cannot show', () => {
    const [low, high] = extentOf('log', [[0, -1, null, Number.NaN, 0.01, 100]], 0);
    assert.ok(Math.abs(low - 0.01) < 1e-12 && Math.abs(high - 100) < 1e-9);
    assert.deepEqual(extentOf('linear', [[0, 0]], 0), [0, 1]);
  });
});

test('the nearest point is the one a search through all finds', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 1 }), fc.integer({ min: -10, max: 1010 }), (places, to) => {
      const x = places.sort((a, b) => a - b);
      const found = x[nearest(x, to)];
      assert.equal(Math.abs(found - to), Math.min(...x.map((each) => Math.abs(each - to))));
    }),
  );
  assert.equal(nearest([], 3), -1);
});

test('names of rules do not cover each other', () => {
  const frame = { width: 400, height: 200, left: 50, right: 300, top: 10, bottom: 170 };
  const y = scaleOver('linear', [0, 1], [170, 10], 5);
  const rules = [0.5, 0.51, 0.5, 0.9].map((at) => ({ axis: 'y' as const, at, label: String(at), colour: 'red' }));
  const places = placeLabels(rules, frame, y, y)
    .map(({ labelY }) => labelY)
    .sort((a, b) => a - b);
  for (let index = 1; index < places.length; index++) assert.ok(places[index] - places[index - 1] >= 13);
});

test('thinning loses no extreme and no count', () => {
  const points = Array.from({ length: 5000 }, (_, index) => ({ x: index, y: index === 1234 ? 99 : index % 3 === 0 ? Number.NaN : 1 }));
  const { x, mean, high } = thin(
    points,
    (point) => point.x,
    (point) => point.y,
  );
  assert.ok(x.length <= 700);
  assert.equal(x.at(-1), 4999);
  assert.equal(Math.max(...(high as number[])), 99);
  assert.equal(mean[0], 1);
});

test('CSV has a line for each x, and no cell that is read as a formula', () => {
  const series = [
    { name: 'a, b', colour: 'red', x: [1, 2], y: [0.5, null] },
    { name: '=1+1', colour: 'red', x: [2, 3], y: [1, 2], low: [0, 1], high: [2, 3] },
  ];
  const csv = figureCsv({ x: { label: 'update', kind: 'linear' }, y: { label: 'y', kind: 'linear' }, series, summary: '' });
  assert.equal(csv, `update,"a, b",'=1+1,'=1+1 (low),'=1+1 (high)\n1,0.5,,,\n2,,1,0,2\n3,,2,1,3\n`);
});
