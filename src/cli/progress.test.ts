import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { MetricsLine } from '../run/metrics.ts';
import { fitted, Progress, type ProgressParts } from './progress.ts';

const parts: ProgressParts = {
  update: 'update 12345/20000',
  loss: 'loss 0.1234',
  validation: ['validation 0.1234', 'val 0.1234'],
  norm: ['gradient norm 9.99e-4', 'norm 9.99e-4'],
  rate: '1234 sequences/s',
  left: '12 min 34 s left',
  done: 0.6,
};

describe('the line beside the bar', () => {
  test('has everything and a whole bar where there is room', () => {
    assert.equal(
      fitted(parts, 200),
      `${'█'.repeat(14)}${'░'.repeat(10)} update 12345/20000  loss 0.1234  validation 0.1234  gradient norm 9.99e-4  1234 sequences/s  12 min 34 s left`,
    );
  });

  test('gives up cells of the bar first, then the rate', () => {
    const whole = fitted(parts, 200).length;
    assert.match(fitted(parts, whole - 10 + 1), /^[█░]{14} update .* sequences\/s {2}12 min 34 s left$/);
    assert.match(fitted(parts, whole - 18), /^[█░]{23} update .*gradient norm 9.99e-4 {2}12 min 34 s left$/);
  });

  test('gives up the bar, the norm, the validation loss and the time left, in this order', () => {
    assert.equal(fitted(parts, 80), 'update 12345/20000  loss 0.1234  val 0.1234  norm 9.99e-4  12 min 34 s left');
    assert.equal(fitted(parts, 70), 'update 12345/20000  loss 0.1234  val 0.1234  12 min 34 s left');
    assert.equal(fitted(parts, 55), 'update 12345/20000  loss 0.1234  12 min 34 s left');
    assert.equal(fitted(parts, 40), 'update 12345/20000  loss 0.1234');
    assert.equal(fitted(parts, 10), 'update 12');
  });

  test('never reaches the last column', () => {
    for (let columns = 1; columns < 220; columns++) {
      for (const validation of [['', ''] as const, parts.validation]) {
        for (const rate of ['', parts.rate]) assert.ok(fitted({ ...parts, validation, rate }, columns).length < columns);
      }
    }
  });
});

/** A stream that keeps what is written. */
function streamOf(size: { isTTY: boolean; columns?: number; rows?: number }) {
  let written = '';
  const write = (text: string) => {
    written += text;
    return true;
  };
  const stream = { ...size, write } as unknown as NodeJS.WriteStream;
  return { stream, lines: () => stripVTControlCharacters(written).split('\n') };
}

const line = { update: 5, loss: 0.25, gradientNorm: 1, nonFinite: null } as MetricsLine;

describe('Progress', () => {
  test('on a terminal of 80 columns draws a bar that fits', () => {
    const { stream, lines } = streamOf({ isTTY: true, columns: 80, rows: 24 });
    const progress = new Progress(10, 0, stream);
    progress.updated(line, 3);
    progress.end();
    assert.match(lines()[0], /^█+░+ update 5\/10 {2}loss 0\.2500 {2}gradient norm 1\.000/);
    assert.ok(lines().every((each) => each.length < 80));
  });

  for (const size of [{ isTTY: true, columns: 0, rows: 0 }, { isTTY: true, columns: 80, rows: 0 }, { isTTY: true }, { isTTY: false }]) {
    test(`writes plain lines on ${JSON.stringify(size)}`, () => {
      const { stream, lines } = streamOf(size);
      const progress = new Progress(10, 0, stream);
      progress.updated(line, 3);
      progress.end();
      assert.match(lines()[0], /^update 5\/10 {2}loss 0\.2500 {2}gradient norm 1\.000 .* left$/);
      assert.equal(lines().length, 2);
    });
  }

  test('says what was skipped', () => {
    const { stream, lines } = streamOf({ isTTY: false });
    const progress = new Progress(10, 0, stream);
    progress.updated({ ...line, nonFinite: 'loss' }, 3);
    progress.end();
    assert.match(lines()[0], /skipped: loss not finite/);
  });
});
