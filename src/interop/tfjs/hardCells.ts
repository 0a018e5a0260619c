import type { Cell } from '../../network/cell/cell.ts';
import { gruResetBeforeOf } from '../../network/cell/gruResetBefore.ts';
import { lstmOf } from '../../network/cell/lstm.ts';
import type { GateFunction } from '../../network/cell/sigmoid.ts';

/** The piecewise linear gate of Keras and TensorFlow.js: shut or open altogether beyond 2.5. */
const hardSigmoid: GateFunction = {
  value: (x) => (Number.isNaN(x) ? x : Math.min(1, Math.max(0, 0.2 * x + 0.5))),
  slope: (value) => (value > 0 && value < 1 ? 0.2 : 0),
};

/** A cell with such gates: there is no sigmoid in it to be looked at. */
const withoutSigmoids = (cell: Cell): Cell => ({ ...cell, functions: cell.functions?.filter(({ kind }) => kind === 'tanh') });

/** LSTM and GRU as TensorFlow.js has them by default, under the names that those with logistic gates have for whoever judges them. */
export const hardLstm: Cell = withoutSigmoids(lstmOf(hardSigmoid));
export const hardGru: Cell = withoutSigmoids(gruResetBeforeOf(hardSigmoid));
