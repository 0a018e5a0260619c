import type { CellBackwardStep, CellKernel, CellStep, Reals } from '../../compute/backend.ts';
import type { Random } from '../../compute/random.ts';

/** A function of a cell whose values can be looked at after its forward step. */
export interface CellFunction {
  /** Of the gate or state: `i`, `c`. */
  readonly name: string;
  readonly kind: 'tanh' | 'sigmoid' | 'relu';
  /** Where the forward step leaves the value: in this gate's block of `pre`, or as this state; or leaves its argument, as this state. */
  readonly in: { readonly gate: number } | { readonly state: number } | { readonly argumentState: number };
}

/**
 * Parameters of single units beside the linear maps, U arrays of H numbers, such as the eigenvalues of a diagonal recurrence. A step is
 * not given them but U constants made of them once per update.
 */
export interface UnitParameters {
  /** U names; `nu_log` is the parameter `nu_log_l0` in the first layer. */
  readonly names: readonly string[];
  /** Draws the parameters, [U, H] from `at`. */
  initialize(values: Reals, at: number, H: number, random: Random): void;
  /** Makes the constants, [U, H] from `to`. */
  constants(values: Reals, at: number, H: number, out: Reals, to: number): void;
  /** Adds dL/d(parameters), [U, H] from `to`, for dL/d(constants), [U, H] from `gradientAt`. */
  backward(values: Reals, at: number, H: number, gradient: Reals, gradientAt: number, out: Reals, to: number): void;
}

/**
 * What the recurrent matrix of the gates kept apart reads in place of h_{t-1}: a vector [B, H] made unit by unit of other gates and of
 * h_{t-1}, such as r * h_{t-1}. It costs a product of its own in every step, since it waits for these gates; no backend has a fused kernel for it.
 */
export interface ApartInput {
  /** The blocks of `pre` that it is made of, and that are not read otherwise; none of them is kept apart. */
  readonly gates: readonly number[];
  /** Makes it before `apart` is, and leaves in these blocks what its `backward` needs: the cell's own steps do not touch them. */
  forward(step: CellStep, out: Reals, outAt: number): void;
  /** After the cell's backward step, of dL/d(it) [B, H]: dL/dpre of these blocks, and what it adds to dL/dh_{t-1}. */
  backward(step: CellBackwardStep, gradient: Reals): void;
}

/**
 * A recurrent cell: linear maps of the input and of the previous state, then arithmetic unit by unit. The linear maps are
 * the same for every cell and are not its business:
 *
 *     pre_t   = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh      [G*H], for the last `apart` gates without the recurrent term
 *     apart_t = W_hh h_{t-1} + b_hh                        [A*H], of the last `apart` gates only; of another vector with `apartInput`
 *
 * A cell only says what becomes of them: `forward` makes the new states from `pre`, `apart` and the old states, and leaves
 * in `pre` and `apart` what `backward` needs; `backward` turns dL/ds_t into dL/dpre, dL/dapart and the part of dL/ds_{t-1}
 * that goes around the recurrent matrix. Both are loops over B sequences and H units in arrays of either precision. `backward` does not
 * read the first of the new states: a skip connection (`skip/skip.ts`) may have added to it since.
 *
 * `throughtime gradcheck` and `test/contract/cell.test.ts` verify a cell's backward step against its forward step.
 */
export interface Cell extends CellKernel {
  /** Unique; also the name of the fused kernel that a backend may have for it. */
  readonly name: string;
  /** G. Parameters have this many blocks of H rows. */
  readonly gates: number;
  /** A: how many trailing gates see their recurrent term apart from the input term. */
  readonly apart: number;
  /** What the last A gates' recurrent matrix reads, where that is not h_{t-1}. */
  readonly apartInput?: ApartInput;
  /** Names of the states carried from step to step; the first is what the layer above and the recurrent matrix read. */
  readonly states: readonly string[];
  /** false: h_{t-1} goes through no matrix, there is no `weight_hh` and no `bias_hh`, and A is 0. True by default. */
  readonly recurrentMatrix?: boolean;
  /** Parameters of single units. The last U blocks of `pre` are theirs alone: no input, no bias, room for dL/d(constants). */
  readonly units?: UnitParameters;
  /** Whether every h lies in [-1, 1], whatever the weights. */
  readonly bounded?: boolean;
  /** Which gate block, if any, is a forget gate whose bias `forgetBias` sets. */
  readonly forgetGate?: number;
  /** Whether what is new weighs 1 - f, so that there is no input gate beside the forget gate. */
  readonly coupled?: boolean;
  /** The squashing functions, for whoever measures how far they are driven; a cell may leave them out. */
  readonly functions?: readonly CellFunction[];
}

/** How the G blocks of `pre` are made up, and how many of them there are of each kind. */
export function blocksOf({ gates: G, apart: A, recurrentMatrix = true, units }: Cell) {
  const U = units?.names.length ?? 0;
  /** Blocks that the input goes into; those that the recurrent matrix goes into, and of these the ones joined with the input. */
  const F = G - U;
  const R = recurrentMatrix ? F : 0;
  return { G, A, U, F, R, J: R - A };
}
