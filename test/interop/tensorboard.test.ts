/** Event files, read back by another reader: its own framing, a checksum bit by bit, and the messages by protobufjs from their definition. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { PNG } from 'pngjs';
import protobuf from 'protobufjs';
import { crc32c } from '../../src/interop/crc32c.ts';
import { readSafetensors } from '../../src/interop/safetensors.ts';
import { firstEvent, histogramOf, summaryEvent } from '../../src/interop/tensorboard.ts';
import type { LagPoint } from '../../src/monitor/lagProfile.ts';
import { lagPicture, pictureSize } from '../../src/run/lagPicture.ts';
import type { MetricsLine } from '../../src/run/metrics.ts';
import { readProfiles } from '../../src/run/profiles.ts';
import { TensorboardFile } from '../../src/run/tensorboardFile.ts';
import { throughtime, workplace } from '../endToEnd/commandLine.ts';

const place = workplace();
after(() => place[Symbol.dispose]());

/** The parts of TensorBoard's messages that are written, as TensorFlow defines them. */
const definition = `
  syntax = "proto3";
  message HistogramProto {
    double min = 1; double max = 2; double num = 3; double sum = 4; double sum_squares = 5;
    repeated double bucket_limit = 6 [packed = true]; repeated double bucket = 7 [packed = true];
  }
  message Summary {
    message Image { int32 height = 1; int32 width = 2; int32 colorspace = 3; bytes encoded_image_string = 4; }
    message Value { string tag = 1; oneof value { float simple_value = 2; Image image = 4; HistogramProto histo = 5; } }
    repeated Value value = 1;
  }
  message Event { double wall_time = 1; int64 step = 2; oneof what { string file_version = 3; Summary summary = 5; } }`;
const Event = protobuf.parse(definition, { keepCase: true }).root.lookupType('Event');

interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly num: number;
  readonly sum: number;
  readonly sum_squares: number;
  readonly bucket_limit: number[];
  readonly bucket: number[];
}

interface Picture {
  readonly height: number;
  readonly width: number;
  readonly colorspace: number;
  readonly encoded_image_string: Uint8Array;
}

interface Value {
  readonly tag: string;
  readonly simple_value?: number;
  readonly image?: Picture;
  readonly histo?: Histogram;
}

interface Read {
  readonly wall_time: number;
  readonly step: number;
  readonly file_version?: string;
  readonly summary?: { readonly value: readonly Value[] };
}

/** CRC-32C by long division of one bit after the other, most significant first; then the mask of the record format. */
function masked(bytes: Uint8Array): number {
  const reversed = (value: number, bits: number) => Number.parseInt(value.toString(2).padStart(bits, '0').split('').reverse().join(''), 2);
  let remainder = 0xffffffffn;
  for (const byte of bytes) {
    remainder ^= BigInt(reversed(byte, 8)) << 24n;
    for (let bit = 0; bit < 8; bit++) {
      remainder <<= 1n;
      if (remainder >> 32n) remainder ^= 0x11edc6f41n;
    }
  }
  const crc = BigInt(reversed(Number(remainder ^ 0xffffffffn), 32));
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

function eventsOf(bytes: Uint8Array): Read[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const events: Read[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = Number(view.getBigUint64(at, true));
    assert.equal(view.getUint32(at + 8, true), masked(bytes.subarray(at, at + 8)), 'checksum of the length');
    const message = bytes.subarray(at + 12, at + 12 + length);
    assert.equal(view.getUint32(at + 12 + length, true), masked(message), 'checksum of the message');
    events.push(Event.toObject(Event.decode(message), { longs: Number, defaults: false }) as Read);
    at += 16 + length;
  }
  assert.equal(at, bytes.length);
  return events;
}

test('CRC-32C has its published values (RFC 3720, appendix B.4)', () => {
  const of = (bytes: ArrayLike<number>) => crc32c(Uint8Array.from(bytes));
  assert.equal(of(new Array(32).fill(0)), 0x8a9136aa);
  assert.equal(of(new Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(of(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assert.equal(of(new TextEncoder().encode('123456789')), 0xe3069283);
});

/** The rows at which a picture has a colour, from the top, in each of its columns. */
function rowsOf({ image }: Value, [red, green, blue]: readonly number[]): number[][] {
  const { width, height, data } = PNG.sync.read(Buffer.from(image!.encoded_image_string));
  assert.deepEqual([width, height, image!.colorspace], [image!.width, image!.height, 3]);
  return Array.from({ length: width }, (_, x) =>
    Array.from({ length: height }, (_, y) => y).filter((y) => {
      const at = 4 * (y * width + x);
      return data[at] === red && data[at + 1] === green && data[at + 2] === blue;
    }),
  );
}

const blue = [31, 94, 168];

describe('the lag profile as a picture', () => {
  const picture = (logarithms: readonly number[]): Value => {
    const points = logarithms.map((meanLog10, lag) => ({ lag, meanLog10, p10: meanLog10 - 1, p90: meanLog10 + 1, ratio: 1 }));
    const [event] = eventsOf(summaryEvent(1, 2, [{ tag: 'p', value: lagPicture(points) }]));
    return event.summary!.value[0];
  };

  test('a gradient that vanishes is a line that falls, as steeply on the right as on the left', () => {
    const columns = rowsOf(picture(Array.from({ length: 41 }, (_, lag) => -lag / 2)), blue);
    const drawn = columns.flatMap((rows, x) => (rows.length > 0 ? [{ x, top: rows[0], bottom: rows[rows.length - 1] }] : []));
    const { left, right, width } = pictureSize;
    assert.deepEqual([drawn[0].x, drawn[drawn.length - 1].x], [left, width - right - 1]);
    for (const [n, { top }] of drawn.entries()) if (n > 0) assert.ok(top >= drawn[n - 1].top);
    // From 1 above the first value to 1 below the last there are 22 decades; the line goes through 20 of them.
    const { height, top, bottom } = pictureSize;
    const fall = drawn[drawn.length - 1].bottom - 1 - drawn[0].top;
    assert.ok(Math.abs(fall - (20 / 22) * (height - top - bottom - 1)) <= 2, String(fall));
  });

  test('a norm of exactly zero leaves a gap', () => {
    const columns = rowsOf(picture([0, -1, -2, Number.NEGATIVE_INFINITY, -Infinity, -3, -4]), blue);
    const { left, right, width } = pictureSize;
    const at = (lag: number) => Math.round(left + ((width - left - right - 1) * lag) / 6);
    for (const lag of [0, 1, 2, 5, 6]) assert.ok(columns[at(lag)].length > 0, String(lag));
    for (let x = at(2) + 1; x < at(5); x++) assert.equal(columns[x].length, 0, String(x));
  });

  test('a profile of one lag, and one of nothing but zeros', () => {
    assert.ok(rowsOf(picture([-3]), blue).some((rows) => rows.length > 0));
    assert.ok(rowsOf(picture([-Infinity, -Infinity]), blue).every((rows) => rows.length === 0));
  });
});

describe('records', () => {
  test('scalars and histograms come back, also those that are not finite, and at a step beyond 2^32', () => {
    const values = Float32Array.of(-1, 0, 0.5, 0.5, 3);
    const [first, second, third] = eventsOf(
      Buffer.concat([
        firstEvent(12.5),
        summaryEvent(13, 7, [
          { tag: 'a/b', value: 0.1 },
          { tag: 'none', value: Number.NaN },
          { tag: 'large', value: 1e300 },
        ]),
        summaryEvent(14, 2 ** 40, [{ tag: 'grüß', value: histogramOf(values, 4) }]),
      ]),
    );
    assert.deepEqual(first, { wall_time: 12.5, file_version: 'brain.Event:2' });
    assert.equal(second.step, 7);
    assert.deepEqual(second.summary?.value, [
      { tag: 'a/b', simple_value: Math.fround(0.1) },
      { tag: 'none', simple_value: Number.NaN },
      { tag: 'large', simple_value: Infinity },
    ]);
    assert.equal(third.step, 2 ** 40);
    const histo = { min: -1, max: 3, num: 5, sum: 3, sum_squares: 10.5, bucket_limit: [0, 1, 2, 3], bucket: [1, 3, 0, 1] };
    assert.deepEqual(third.summary?.value, [{ tag: 'grüß', histo }]);
  });

  test('a histogram of numbers that are all the same has one bucket', () => {
    const histogram = histogramOf([2, 2, 2]);
    assert.deepEqual({ edges: histogram.edges, counts: histogram.counts }, { edges: [2], counts: [3] });
  });
});

test('train --tensorboard: a file a sitting, with what metrics.jsonl has and the weights of the checkpoint', async () => {
  const experiment = {
    name: 'recall',
    data: { kind: 'task', name: 'recall', lag: 2, trainSequences: 64, validationSequences: 8 },
    model: { cell: 'gru', hiddenSize: 5 },
    training: { updates: 12, validateEvery: 5, batchSize: 8 },
  };
  const run = place.path('run');
  const trained = await throughtime(['train', place.write('recall.json', experiment), '--run', run, '--tensorboard', '--threads', '1']);
  assert.equal(trained.code, 0, trained.stderr);
  const files = readdirSync(run).filter((name) => name.startsWith('events.out.tfevents.'));
  assert.equal(files.length, 1);
  const [version, ...events] = eventsOf(readFileSync(place.path(`run/${files[0]}`)));
  assert.equal(version.file_version, 'brain.Event:2');
  const series = (tag: string) =>
    events.flatMap(({ step = 0, summary }) => summary!.value.filter((value) => value.tag === tag).map((value) => ({ step, ...value })));
  const lines = readFileSync(place.path('run/metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const [tag, of] of [
    ['loss/train', (line) => line.loss],
    ['loss/validation', (line) => line.validationLoss],
    ['gradientNorm/all', (line) => line.gradientNorm],
    ['gradientNorm/clipped', (line) => line.clippedNorm],
    ['gradientNorm/weight_hh_l0', (line) => line.parameters?.weight_hh_l0],
    ['learningRate', (line) => line.learningRate],
  ] as [string, (line: MetricsLine) => number | undefined][]) {
    const expected = lines.filter((line) => of(line) !== undefined).map((line) => ({ step: line.update, value: Math.fround(of(line)!) }));
    const found = series(tag).map(({ step, simple_value: value }) => ({ step, value }));
    assert.ok(expected.length >= 3, tag);
    assert.deepEqual(found, expected, tag);
  }
  const looks = readProfiles(place.path('run/profiles.jsonl')).lines.filter(({ monitor }) => monitor === 'lag-profile');
  assert.ok(looks.length >= 2);
  const pictures = series('lagProfile/all lags');
  assert.deepEqual(
    pictures.map(({ step }) => step),
    looks.map(({ update }) => update),
  );
  for (const each of pictures) assert.ok(rowsOf(each, blue).some((rows) => rows.length > 0));
  const atLag = (lag: number) => looks.map(({ value }) => Math.fround((value as LagPoint[]).find((point) => point.lag === lag)!.meanLog10));
  for (const lag of [0, 1, 2]) {
    assert.deepEqual(
      series(`lagProfile/log10 at lag ${lag}`).map(({ simple_value: value }) => value),
      atLag(lag),
    );
  }
  const histograms = series('weights/weight_hh_l0');
  assert.deepEqual(
    histograms.map(({ step }) => step),
    [0, 5, 10, 12],
  );
  const { values } = readSafetensors(readFileSync(place.path('run/checkpoint.safetensors')), 'checkpoint').tensors.get('weight_hh_l0')!;
  const { min, max, num, bucket } = histograms.at(-1)!.histo!;
  assert.deepEqual({ min, max, num }, { min: Math.min(...values), max: Math.max(...values), num: values.length });
  assert.equal(
    bucket.reduce((sum, count) => sum + count, 0),
    values.length,
  );
});

test('a folder that is not there is refused in a sentence', () => {
  assert.throws(() => new TensorboardFile(place.path('none')), { code: 'WRITE_FAILED', kind: 'input' });
});
