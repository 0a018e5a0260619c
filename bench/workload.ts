/** One shape of the training step: B sequences of T steps, I inputs, H units. */
export interface Workload {
  readonly cell: 'rnn' | 'lstm' | 'gru';
  readonly B: number;
  readonly T: number;
  readonly I: number;
  readonly H: number;
  /** Where the read-out is taken and the loss is counted: at the last step, or at each. */
  readonly loss: 'last' | 'every';
}

export const cells = ['rnn', 'lstm', 'gru'] as const;

/** B, T, I, H, from the smallest step to the largest. */
const shapes = [
  [1, 100, 1, 32],
  [32, 100, 2, 64],
  [32, 100, 64, 128],
  [32, 400, 2, 128],
  [64, 100, 128, 256],
  [64, 50, 256, 512],
] as const;

/** Every shape with every cell, the loss at the last step. */
export const workloads: readonly Workload[] = shapes.flatMap(([B, T, I, H]) =>
  cells.map((cell): Workload => ({ cell, B, T, I, H, loss: 'last' })),
);

/** Classes of the read-out. */
export const O = 10;

/**
 * Floating-point operations of the matrix products of one step. The gradient of the first layer's input is not needed, and the
 * read-out is not counted.
 */
export function stepOperations({ cell, B, T, I, H }: Workload): number {
  const G = { rnn: 1, gru: 3, lstm: 4 }[cell];
  return 2 * B * T * G * H * (2 * I + 3 * H);
}

/** `lstm 32, 100, 64, 128`: the cell, then B, T, I, H. */
export function workloadName({ cell, B, T, I, H }: Workload): string {
  return `${cell} ${B}, ${T}, ${I}, ${H}`;
}
