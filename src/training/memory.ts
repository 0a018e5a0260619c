/** Numbers that later updates depend on, beside weights, optimizer and cursor; kept in checkpoints. */
export interface Memory {
  readonly name: string;
  save(): Float64Array;
  restore(values: ArrayLike<number>): void;
}
