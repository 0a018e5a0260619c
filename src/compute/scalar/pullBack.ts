import type { PullBack, PullBackArrays } from '../backend.ts';

/** The comfortable range of a row's largest number, and to which power of two it is brought back, by at most `largestShift` at a time. */
const smallest = 1;
const largest = 2 ** 60;
const restored = 40;
const largestShift = 1000;

/** Row vectors on their way back, each through the gates' pre-activations by itself: the definition. */
export function scalarPullBack(arrays: PullBackArrays): PullBack {
  const { H, S, G, A, F, B, P, pre, apart, direct, weights, recurrentAt, inputAt, width, apartRead } = arrays;
  const J = G - A;
  const exponents = new Int32Array(B * P);
  const squares = new Float64Array(B * P);
  const input = new Float64Array(B * P * width);
  const inputExponents = new Int32Array(B * P);
  const rows = new Float64Array(B * P * S * H);
  const v = new Float64Array(S * H);
  const dPre = new Float64Array(G * H);
  /** dL/d(what the gates kept apart read), where that is not h. */
  const dRead = new Float64Array(H);

  /** dPre of all gates, the trailing ones by the recurrent term or by the pre-activation. */
  const throughGates = (b: number, recurrent: boolean) => {
    dPre.fill(0);
    for (let a = 0; a < S; a++) {
      for (let g = 0; g < G; g++) {
        const [by, at] = recurrent && g >= J ? [apart, ((a * B + b) * A + g - J) * H] : ([pre, ((a * B + b) * G + g) * H] as const);
        for (let j = 0; j < H; j++) dPre[g * H + j] += v[a * H + j] * by[at + j];
      }
    }
  };

  /** What comes, by way of what the gates kept apart read, to the gates that this is made of. */
  const throughRead = (b: number, read: NonNullable<typeof apartRead>) => {
    dRead.fill(0);
    for (let i = 0; i < A * H; i++) {
      let d = 0;
      for (let a = 0; a < S; a++) d += v[a * H + (i % H)] * apart[(a * B + b) * A * H + i];
      for (let n = 0; n < H; n++) dRead[n] += d * weights[recurrentAt + (J * H + i) * H + n];
    }
    for (let i = 0; i < J * H; i++) dPre[i] += dRead[i % H] * read.pre[b * G * H + i];
  };

  const back = (b: number, row: number) => {
    const at = row * S * H;
    for (let i = 0; i < S * H; i++) v[i] = rows[at + i];
    if (width > 0) {
      throughGates(b, false);
      if (apartRead) throughRead(b, apartRead);
      input.fill(0, row * width, (row + 1) * width);
      for (let i = 0; i < F * H; i++) {
        for (let n = 0; n < width; n++) input[row * width + n] += dPre[i] * weights[inputAt + i * width + n];
      }
      inputExponents[row] = exponents[row];
    }
    throughGates(b, true);
    if (apartRead) throughRead(b, apartRead);
    rows.fill(0, at, at + S * H);
    const through = recurrentAt < 0 ? 0 : (apartRead ? J : F) * H;
    for (let i = 0; i < through; i++) for (let n = 0; n < H; n++) rows[at + n] += dPre[i] * weights[recurrentAt + i * H + n];
    if (apartRead) for (let n = 0; n < H; n++) rows[at + n] += dRead[n] * apartRead.direct[b * H + n];
    for (let a = 0; a < S; a++) {
      for (let c = 0; c < S; c++) {
        for (let j = 0; j < H; j++) rows[at + c * H + j] += v[a * H + j] * direct[((a * S + c) * B + b) * H + j];
      }
    }
    let top = 0;
    for (let i = at; i < at + S * H; i++) top = Math.max(top, Math.abs(rows[i]));
    if (top > 0 && top < Infinity && (top < smallest || top > largest)) {
      const shift = Math.max(-largestShift, Math.min(largestShift, restored - Math.floor(Math.log2(top))));
      for (let i = at; i < at + S * H; i++) rows[i] *= 2 ** shift;
      exponents[row] -= shift;
    }
    let square = 0;
    for (let i = at; i < at + S * H; i++) square += rows[i] * rows[i];
    squares[row] = square;
  };

  return {
    ...{ rows, exponents, squares, input, inputExponents },
    pack() {},
    step(sequences, active) {
      for (let b = 0; b < sequences; b++) for (let p = 0; p < active[b]; p++) back(b, b * P + p);
    },
  };
}
