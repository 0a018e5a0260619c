import { inflateSync } from 'node:zlib';

/** A matrix of numbers, column by column as the file has it; or a matrix of others. */
export type MatArray = { readonly rows: number; readonly columns: number } & (
  | { readonly kind: 'numbers'; readonly values: Float64Array }
  | { readonly kind: 'cells'; readonly cells: readonly MatArray[] }
);

/** Types of a data element (MAT-File Format, The MathWorks, table 1-1): bytes of a number, and how one is read. */
const numbers: Readonly<Record<number, readonly [number, (bytes: DataView, at: number) => number]>> = {
  1: [1, (bytes, at) => bytes.getInt8(at)],
  2: [1, (bytes, at) => bytes.getUint8(at)],
  3: [2, (bytes, at) => bytes.getInt16(at, true)],
  4: [2, (bytes, at) => bytes.getUint16(at, true)],
  5: [4, (bytes, at) => bytes.getInt32(at, true)],
  6: [4, (bytes, at) => bytes.getUint32(at, true)],
  7: [4, (bytes, at) => bytes.getFloat32(at, true)],
  9: [8, (bytes, at) => bytes.getFloat64(at, true)],
};
const [matrixType, compressedType] = [14, 15];
const cellClass = 1;
/** mxDOUBLE to mxUINT32; logical arrays are of one of them. */
const numberClasses = [6, 7, 8, 9, 10, 11, 12, 13];

interface Element {
  readonly type: number;
  readonly bytes: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

/** The element at `at`: a tag of eight bytes and its data, or all of it in eight bytes. */
function elementAt(bytes: Buffer, at: number): Element {
  if (at + 8 > bytes.length) throw new RangeError('the MAT-file ends within an element; it is not whole');
  const first = bytes.readUInt32LE(at);
  const small = first >>> 16;
  if (small > 0) return { type: first & 0xffff, bytes: bytes.subarray(at + 4, at + 4 + small), end: at + 8 };
  const length = bytes.readUInt32LE(at + 4);
  const end = at + 8 + length;
  if (end > bytes.length) throw new RangeError('the MAT-file ends within an element; it is not whole');
  // All but compressed ones are filled up to a multiple of eight bytes.
  return { type: first, bytes: bytes.subarray(at + 8, end), end: first === compressedType ? end : at + 8 + Math.ceil(length / 8) * 8 };
}

function numbersOf({ type, bytes }: Element): Float64Array {
  const found = numbers[type];
  if (!found) throw new RangeError(`an element of a MAT-file has the type ${type}, which is not one of numbers`);
  const [size, read] = found;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float64Array.from({ length: bytes.length / size }, (_, index) => read(view, index * size));
}

/** An array and its name. */
function matrixOf(bytes: Buffer): { readonly name: string; readonly array: MatArray } {
  const flags = elementAt(bytes, 0);
  const dimensions = elementAt(bytes, flags.end);
  const name = elementAt(bytes, dimensions.end);
  const [rows, columns, ...more] = numbersOf(dimensions);
  const kind = flags.bytes[0];
  const array = (): MatArray => {
    if (more.length > 0) throw new RangeError(`${name.bytes} has ${2 + more.length} dimensions, and two are read`);
    if (numberClasses.includes(kind)) return { kind: 'numbers', rows, columns, values: numbersOf(elementAt(bytes, name.end)) };
    if (kind !== cellClass) throw new RangeError(`${name.bytes} is an array of class ${kind}; numbers (6 to 13) and cells (1) are read`);
    const cells: MatArray[] = [];
    let at = name.end;
    for (let i = 0; i < rows * columns; i++) {
      const element = elementAt(bytes, at);
      cells.push(matrixOf(element.bytes).array);
      at = element.end;
    }
    return { kind: 'cells', rows, columns, cells };
  };
  return { name: name.bytes.toString('latin1'), array: array() };
}

/**
 * The variables of a MAT-file of version 5 (MAT-File Format, The MathWorks 2019, chapter 1), little-endian: matrices of real numbers and
 * of such matrices.
 *
 * @throws RangeError for another file, one that is not whole, and what is not of these kinds.
 */
export function readMatFile(file: Buffer): Map<string, MatArray> {
  if (file.length < 128 || !file.subarray(0, 10).equals(Buffer.from('MATLAB 5.0')) || file.toString('latin1', 126, 128) !== 'IM') {
    throw new RangeError('this is no MAT-file of version 5, little-endian');
  }
  const variables = new Map<string, MatArray>();
  for (let at = 128; at < file.length; ) {
    let element = elementAt(file, at);
    at = element.end;
    if (element.type === compressedType) element = elementAt(inflateSync(element.bytes), 0);
    if (element.type !== matrixType) throw new RangeError(`a MAT-file is made of arrays, and there is an element of type ${element.type}`);
    const { name, array } = matrixOf(element.bytes);
    variables.set(name, array);
  }
  return variables;
}
