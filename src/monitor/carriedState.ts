import type { Network } from '../network/network.ts';
import type { StepJacobian } from './stepJacobian.ts';

/** H numbers of the carried state: those of one state of one layer, of so many steps before the newest. */
interface Part {
  readonly layer: number;
  readonly state: number;
  readonly age: number;
}

/**
 * Everything that is carried from step to step, as one vector: the states of all layers and, with skip connections, those of the steps
 * before that a later step still reads (h as far back as the longest way, the other states as far as the cell itself). A step makes the
 * newest of them and moves the others on by one; without skip connections this is s_t itself.
 */
export class CarriedState {
  /** N: numbers in it. */
  readonly size: number;
  readonly #parts: readonly Part[];
  readonly #H: number;
  readonly #S: number;

  constructor({ ways, cell, H }: Network) {
    this.#parts = ways.flatMap(({ recurrentLag, shortcuts }, layer) =>
      cell.states.flatMap((_, state) => {
        const depth = state === 0 ? Math.max(recurrentLag, ...shortcuts) : recurrentLag;
        return Array.from({ length: depth }, (_, age) => ({ layer, state, age }));
      }),
    );
    this.#H = H;
    this.#S = cell.states.length;
    this.size = this.#parts.length * H;
  }

  /** out = rows [count, N] · d(carried state after the step)/d(carried state before it), of the step that the Jacobian has taken. */
  multiply(rows: Float64Array, { blocks, lags, size: n }: StepJacobian, count: number, out: Float64Array): void {
    const H = this.#H;
    const N = this.size;
    for (const [index, { layer, state, age }] of this.#parts.entries()) {
      const which = lags.indexOf(age + 1);
      const older = this.#parts[index + 1];
      const moved = older && older.age > age;
      const column = (layer * this.#S + state) * H;
      for (let row = 0; row < count; row++) {
        const to = row * N + index * H;
        for (let j = 0; j < H; j++) out[to + j] = moved ? rows[to + H + j] : 0;
        if (which < 0) continue;
        const block = blocks[which];
        for (const [made, { layer: l, state: a, age: own }] of this.#parts.entries()) {
          if (own > 0) continue;
          const from = row * N + made * H;
          for (let i = 0; i < H; i++) {
            const factor = rows[from + i];
            const at = ((l * this.#S + a) * H + i) * n + column;
            for (let j = 0; j < H; j++) out[to + j] += factor * block[at + j];
          }
        }
      }
    }
  }
}
