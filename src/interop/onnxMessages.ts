import { BinaryWriter } from '@bufbuild/protobuf/wire';

/**
 * The messages of an ONNX file (onnx.proto, IR version 8) that a recurrent network needs, as Protocol Buffers. Field numbers are those of
 * the format.
 */

/** A constant of the graph. */
export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** float32, or int64. */
  readonly values: Float32Array | BigInt64Array;
}

/** An input or output of the graph; a dimension is a size, or a name where it is open. */
export interface OnnxValue {
  readonly name: string;
  readonly type: 'float32' | 'int64';
  readonly shape: readonly (number | string)[];
}

export interface OnnxNode {
  readonly op: string;
  /** Names of values; empty for an input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | readonly string[]>>;
}

export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly constants: readonly OnnxTensor[];
  readonly nodes: readonly OnnxNode[];
}

const irVersion = 8;
const lengthDelimited = 2;
const elementTypes = { float32: 1, int64: 7 };
const attributeTypes = { int: 2, strings: 8 };

/** Writes a model of one graph. @param opset the version of the operators. @param metadata key and value, for readers. */
export function onnxModel(graph: OnnxGraph, opset: number, metadata: Readonly<Record<string, string>>): Uint8Array {
  const writer = new BinaryWriter();
  writer.uint32(field(1, 0)).int64(irVersion);
  text(writer, 2, 'throughtime');
  nested(writer, 7, () => writeGraph(writer, graph));
  nested(writer, 8, () => {
    text(writer, 1, '');
    writer.uint32(field(2, 0)).int64(opset);
  });
  for (const [key, value] of Object.entries(metadata)) {
    nested(writer, 14, () => {
      text(writer, 1, key);
      text(writer, 2, value);
    });
  }
  return writer.finish();
}

function writeGraph(writer: BinaryWriter, graph: OnnxGraph): void {
  for (const node of graph.nodes) nested(writer, 1, () => writeNode(writer, node));
  text(writer, 2, graph.name);
  for (const constant of graph.constants) nested(writer, 5, () => writeTensor(writer, constant));
  for (const input of graph.inputs) nested(writer, 11, () => writeValue(writer, input));
  for (const output of graph.outputs) nested(writer, 12, () => writeValue(writer, output));
}

function writeNode(writer: BinaryWriter, { op, inputs, outputs, attributes = {} }: OnnxNode): void {
  for (const input of inputs) text(writer, 1, input);
  for (const output of outputs) text(writer, 2, output);
  text(writer, 4, op);
  for (const [name, value] of Object.entries(attributes)) {
    nested(writer, 5, () => {
      text(writer, 1, name);
      if (typeof value === 'number') writer.uint32(field(3, 0)).int64(value);
      else for (const each of value) text(writer, 9, each);
      writer.uint32(field(20, 0)).int32(typeof value === 'number' ? attributeTypes.int : attributeTypes.strings);
    });
  }
}

function writeTensor(writer: BinaryWriter, { name, shape, values }: OnnxTensor): void {
  for (const size of shape) writer.uint32(field(1, 0)).int64(size);
  writer.uint32(field(2, 0)).int32(values instanceof Float32Array ? elementTypes.float32 : elementTypes.int64);
  text(writer, 8, name);
  writer.uint32(field(9, lengthDelimited)).bytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

function writeValue(writer: BinaryWriter, { name, type, shape }: OnnxValue): void {
  text(writer, 1, name);
  nested(writer, 2, () => {
    nested(writer, 1, () => {
      writer.uint32(field(1, 0)).int32(elementTypes[type]);
      nested(writer, 2, () => {
        for (const size of shape) {
          nested(writer, 1, () => {
            if (typeof size === 'number') writer.uint32(field(1, 0)).int64(size);
            else text(writer, 2, size);
          });
        }
      });
    });
  });
}

const field = (number: number, wireType: number) => (number << 3) | wireType;

function text(writer: BinaryWriter, number: number, value: string): void {
  writer.uint32(field(number, lengthDelimited)).string(value);
}

function nested(writer: BinaryWriter, number: number, write: () => void): void {
  writer.uint32(field(number, lengthDelimited)).fork();
  write();
  writer.join();
}
