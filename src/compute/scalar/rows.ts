import type { Backend } from '../backend.ts';

/** Operations on the rows of a matrix. */

export const addColumnSums: Backend['addColumnSums'] = (x, xAt, xRowStride, rows, columns, out, outAt) => {
  for (let r = 0; r < rows; r++) {
    const row = xAt + r * xRowStride;
    for (let n = 0; n < columns; n++) out[outAt + n] += x[row + n];
  }
};

export const fillRows: Backend['fillRows'] = (row, rowAt, out, outAt, rows, columns) => {
  for (let r = 0; r < rows; r++) {
    for (let n = 0; n < columns; n++) out[outAt + r * columns + n] = row[rowAt + n];
  }
};

export const gatherRows: Backend['gatherRows'] = (table, tableAt, indices, indicesAt, rows, columns, out, outAt) => {
  for (let r = 0; r < rows; r++) {
    const from = tableAt + indices[indicesAt + r] * columns;
    for (let n = 0; n < columns; n++) out[outAt + r * columns + n] = table[from + n];
  }
};

export const scatterAddRows: Backend['scatterAddRows'] = (x, xAt, indices, indicesAt, rows, columns, table, tableAt) => {
  for (let r = 0; r < rows; r++) {
    const to = tableAt + indices[indicesAt + r] * columns;
    for (let n = 0; n < columns; n++) table[to + n] += x[xAt + r * columns + n];
  }
};

export const transpose: Backend['transpose'] = (x, xAt, rows, columns, out, outAt) => {
  for (let r = 0; r < rows; r++) {
    for (let n = 0; n < columns; n++) out[outAt + n * rows + r] = x[xAt + r * columns + n];
  }
};

export const maximizeRows: Backend['maximizeRows'] = (x, xAt, rows, columns, out, outAt) => {
  for (let r = 0; r < rows; r++) {
    for (let n = 0; n < columns; n++) {
      const magnitude = Math.abs(x[xAt + r * columns + n]);
      if (magnitude > out[outAt + r]) out[outAt + r] = magnitude;
    }
  }
};

export const scaleRows: Backend['scaleRows'] = (x, xAt, rows, columns, factors, factorsAt) => {
  for (let r = 0; r < rows; r++) {
    const factor = factors[factorsAt + r];
    if (factor === 1) continue;
    for (let n = 0; n < columns; n++) x[xAt + r * columns + n] *= factor;
  }
};
