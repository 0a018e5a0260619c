/** Everything the TypeScript side calls. */

export { multiplyAddCeiling } from './ceiling';
export { lruBackward, lruForward, mingruBackward, mingruForward } from './diagonal';
export { add, clampValues, fillRows, gatherRows, scale, scaleRows, scatterAddRows } from './elementwise';
export { gruBackward, gruForward, lstmBackward, lstmForward, reluBackward, reluForward, tanhBackward, tanhForward } from './gates';
export { multiplyTransposed, useWorkspace, workspaceBytes } from './gradient';
export { softmaxCrossEntropy } from './loss';
export { copyRows, pack, transpose } from './layout';
export { adam, momentum, rmsprop, sgd } from './optimizer';
export { plainRowBytes } from './native';
export { addParts, addPartialGradients } from './partialGradients';
export { product } from './product';
export { pullBack } from './pullBack';
export { addColumnSums, firstNonFinite, maximizeRows, sumSquares } from './reduce';
export { backwardSweep, forwardSweep } from './sweep';

/** Where the constants of this module end. */
export function constantsEnd(): usize {
  return __heap_base;
}
