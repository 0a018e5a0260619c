/**
 * For trainings that stay in TensorFlow.js (4.x, `@tensorflow/tfjs-core` and `@tensorflow/tfjs-layers`): clips for its optimizers and for the
 * recurrent path, the norm monitor and the explosion detector, truncated backpropagation with carried state, and a diagnosis of its models.
 */

export { clipRecurrentPath, type RecurrentClip } from './interop/tfjs/clipRecurrentPath.ts';
export { diagnose, type ModelData, type ModelDiagnoseOptions } from './interop/tfjs/diagnose.ts';
export { type ModelNetwork, networkOf } from './interop/tfjs/networkOf.ts';
export { type TruncatedOptions, trainTruncated } from './interop/tfjs/trainTruncated.ts';
export { clipGradients, type GradientWatch, type WatchedUpdate, type WatchOptions, watchGradients } from './interop/tfjs/watchGradients.ts';
