import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { maskedCrc32c } from './crc32c.ts';

/**
 * TensorBoard's event files: TFRecords of Event messages (tensorflow/core/util/event.proto, framework/summary.proto). A record is its length
 * as 8 bytes, their checksum, the message and its checksum, all little-endian.
 */

/** A distribution: how many numbers lie in each bucket, whose right edges ascend. */
export interface EventHistogram {
  readonly least: number;
  readonly most: number;
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** [buckets] right edges, and how many numbers each bucket holds. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

/** A picture, as the bytes of a PNG file of red, green and blue. */
export interface EventImage {
  readonly width: number;
  readonly height: number;
  readonly png: Uint8Array;
}

export interface EventValue {
  /** `loss/train`: what stands before the stroke groups the charts. */
  readonly tag: string;
  readonly value: number | EventHistogram | EventImage;
}

/** The record that a file begins with. @param seconds since 1970, of all records. */
export function firstEvent(seconds: number): Uint8Array {
  const writer = new BinaryWriter();
  writer.uint32(field(1, fixed64)).double(seconds);
  writer.uint32(field(3, lengthDelimited)).string('brain.Event:2');
  return record(writer.finish());
}

/** A record with some values of one step. */
export function summaryEvent(seconds: number, step: number, values: readonly EventValue[]): Uint8Array {
  const writer = new BinaryWriter();
  writer.uint32(field(1, fixed64)).double(seconds);
  writer.uint32(field(2, varint)).int64(step);
  writer.uint32(field(5, lengthDelimited)).fork();
  for (const { tag, value } of values) {
    writer.uint32(field(1, lengthDelimited)).fork();
    writer.uint32(field(1, lengthDelimited)).string(tag);
    if (typeof value === 'number') writer.uint32(field(2, fixed32)).float(toFloat(value));
    else if ('png' in value) writeImage(writer, value);
    else writeHistogram(writer, value);
    writer.join();
  }
  writer.join();
  return record(writer.finish());
}

/** How numbers are distributed, in `buckets` of equal width from the least to the most. @throws where there is none. */
export function histogramOf(values: ArrayLike<number>, buckets = 30): EventHistogram {
  let [least, most, sum, sumOfSquares] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    least = Math.min(least, values[i]);
    most = Math.max(most, values[i]);
    sum += values[i];
    sumOfSquares += values[i] * values[i];
  }
  const width = (most - least) / buckets;
  const counts = new Array<number>(width > 0 ? buckets : 1).fill(0);
  for (let i = 0; i < values.length; i++) counts[width > 0 ? Math.min(buckets - 1, Math.floor((values[i] - least) / width)) : 0]++;
  const edges = counts.map((_, bucket) => (bucket === counts.length - 1 ? most : least + (bucket + 1) * width));
  return { least, most, count: values.length, sum, sumOfSquares, edges, counts };
}

function writeImage(writer: BinaryWriter, { width, height, png }: EventImage): void {
  const colours = 3;
  writer.uint32(field(4, lengthDelimited)).fork();
  for (const [index, value] of [height, width, colours].entries()) writer.uint32(field(index + 1, varint)).int32(value);
  writer.uint32(field(4, lengthDelimited)).bytes(png);
  writer.join();
}

function writeHistogram(writer: BinaryWriter, { least, most, count, sum, sumOfSquares, edges, counts }: EventHistogram): void {
  writer.uint32(field(5, lengthDelimited)).fork();
  for (const [index, value] of [least, most, count, sum, sumOfSquares].entries()) writer.uint32(field(index + 1, fixed64)).double(value);
  for (const [number, values] of [
    [6, edges],
    [7, counts],
  ] as const) {
    writer.uint32(field(number, lengthDelimited)).fork();
    for (const value of values) writer.double(value);
    writer.join();
  }
  writer.join();
}

/** A number beyond the largest float32 is written as infinite, which is what it is there. */
const toFloat = (value: number) => Math.fround(value);

function record(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + 4 + message.length + 4);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(message.length), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(message, 12);
  view.setUint32(12 + message.length, maskedCrc32c(message), true);
  return bytes;
}

const [varint, fixed64, lengthDelimited, fixed32] = [0, 1, 2, 5];
const field = (number: number, wireType: number) => (number << 3) | wireType;
