import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { keepUpTo, type MetricsLine, MetricsWriter, readMetrics, replaceLast } from './metrics.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'throughtime-metrics-'));
const file = path.join(folder, 'metrics.jsonl');
beforeEach(() => rmSync(file, { force: true }));
after(() => rmSync(folder, { recursive: true }));

const line = (update: number, fields: Partial<MetricsLine> = {}): MetricsLine => ({
  ...{ update, loss: 0.1 + update, gradientNorm: 1e-300, clippedNorm: 1, learningRate: 0.01, nonFinite: null, seconds: 0.5 },
  ...fields,
});

function write(...lines: MetricsLine[]): void {
  const writer = new MetricsWriter(file);
  for (const each of lines) writer.add(each);
  writer.sync();
  writer.close();
}

test('what was written is read, numbers that JSON does not have too', () => {
  const lines = [
    line(1, {
      loss: Number.NaN,
      gradientNorm: Number.POSITIVE_INFINITY,
      clippedNorm: Number.NEGATIVE_INFINITY,
      nonFinite: 'gradient of NaN',
    }),
    line(2, { validationLoss: Number.NaN }),
  ];
  write(...lines);
  assert.deepEqual(readMetrics(file), { lines, torn: false });
  assert.match(readFileSync(file, 'utf8'), /^{"update":1,"loss":"NaN","gradientNorm":"Infinity","clippedNorm":"-Infinity",/);
});

test('a second sitting goes on after the first', () => {
  write(line(1));
  write(line(2), line(3));
  assert.deepEqual(
    readMetrics(file).lines.map(({ update }) => update),
    [1, 2, 3],
  );
});

test('nothing is in the file before it is flushed', () => {
  const writer = new MetricsWriter(file);
  writer.add(line(1));
  assert.equal(readFileSync(file, 'utf8'), '');
  writer.flush();
  assert.equal(readMetrics(file).lines.length, 1);
  writer.close();
});

test('a torn last line is left out and said; no file is no lines', () => {
  assert.deepEqual(readMetrics(file), { lines: [], torn: false });
  write(line(1), line(2));
  const whole = readFileSync(file);
  const first = whole.indexOf('\n') + 1;
  for (let length = 0; length <= whole.length; length++) {
    writeFileSync(file, whole.subarray(0, length));
    const lines = length < first ? 0 : length < whole.length ? 1 : 2;
    assert.deepEqual(readMetrics(file), {
      lines: [line(1), line(2)].slice(0, lines),
      torn: length !== 0 && length !== first && length !== whole.length,
    });
  }
});

test('a damaged line is refused with its place', () => {
  write(line(1));
  for (const damage of ['{"update":', 'null', '3', '{}']) {
    const whole = readFileSync(file);
    appendFileSync(file, `${damage}\n`);
    assert.throws(() => readMetrics(file), { code: 'RUN_INVALID', message: /metrics\.jsonl:2: is not the record of an update/ });
    writeFileSync(file, whole);
  }
});

test('line i is that of update i', () => {
  write(line(1), line(3));
  assert.throws(() => readMetrics(file), {
    code: 'RUN_INVALID',
    message: /metrics\.jsonl:2: is the record of update 3 where that of update 2 should be/,
  });
});

test('a file much longer than what is read at a time', () => {
  const lines = Array.from({ length: 3000 }, (_, i) => line(i + 1, { nonFinite: 'ü'.repeat(i % 97) }));
  write(...lines);
  assert.deepEqual(readMetrics(file), { lines, torn: false });
  keepUpTo(file, 1777);
  assert.deepEqual(readMetrics(file), { lines: lines.slice(0, 1777), torn: false });
});

test('the last line is replaced by one that says more', () => {
  write(line(1), line(2));
  replaceLast(file, line(2, { validationLoss: 5 }));
  write(line(3));
  assert.deepEqual(readMetrics(file).lines, [line(1), line(2, { validationLoss: 5 }), line(3)]);
  rmSync(file);
  write(line(1));
  replaceLast(file, line(1, { validationLoss: 5 }));
  assert.deepEqual(readMetrics(file).lines, [line(1, { validationLoss: 5 })]);
  assert.throws(() => replaceLast(path.join(folder, 'nowhere'), line(1)), { code: 'WRITE_FAILED' });
});

test('only the lines up to an update are kept, and a torn one never', () => {
  for (const [update, kept] of [
    [0, 0],
    [2, 2],
    [3, 3],
    [9, 3],
  ]) {
    rmSync(file, { force: true });
    write(line(1), line(2), line(3));
    appendFileSync(file, '{"update":4,"lo');
    keepUpTo(file, update);
    assert.deepEqual(readMetrics(file), { lines: [line(1), line(2), line(3)].slice(0, kept), torn: false });
  }
  rmSync(file);
  keepUpTo(file, 3);
});

test('a place that cannot be written', () => {
  assert.throws(() => new MetricsWriter(path.join(folder, 'nowhere', 'metrics.jsonl')), { code: 'WRITE_FAILED' });
});
