import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Backend } from '../../compute/backend.ts';
import { wasmBackend } from '../../compute/wasm/wasm.ts';
import type { LossName } from '../../data/dataset.ts';
import { StoredSequences } from '../../data/storedSequences.ts';
import { type Diagnosis, type DiagnosisProgress, diagnosePieces } from '../../diagnosis/diagnose.ts';
import { ThroughtimeError } from '../../errors.ts';
import { activationOf, type ModelNetwork, networkOf } from './networkOf.ts';

/** Sequences: x [N, T, I], and y [N, O] for a model that answers at the last step, [N, T, O] for one that answers at every step. */
export interface ModelData {
  readonly x: Tensor;
  /** For a cross entropy one-hot, or class indices [N], [N, 1] or [N, T, 1]. */
  readonly y: Tensor;
}

/** How a model is judged. */
export interface ModelDiagnoseOptions {
  /** Held-out sequences, to judge the loss on; by default those that are given. */
  readonly validation?: ModelData;
  /** By default the loss that the model was compiled with. */
  readonly loss?: LossName;
  /** Seconds for all of it; 60 by default. */
  readonly seconds?: number;
  /** By default the float32 kernels. */
  readonly backend?: Backend;
  /** Is told how far it has come. */
  readonly onProgress?: (progress: DiagnosisProgress) => void;
}

/** How TensorFlow.js names the losses. */
const lossNames: Record<string, LossName> = {
  ...{ meanSquaredError: 'mse', mse: 'mse', MSE: 'mse' },
  ...{ categoricalCrossentropy: 'crossEntropy', sparseCategoricalCrossentropy: 'crossEntropy' },
  binaryCrossentropy: 'binaryCrossEntropy',
};

/** Milliseconds of work after which others get their turn. */
const turn = 40;

/**
 * Says whether the gradient of a trained TensorFlow.js model explodes, vanishes or is not needed, or whether the task is hard (docs/diagnosis.md): its
 * weights are taken over (`networkOf`) and judged with the data, as `throughtime diagnose --weights` does.
 *
 * @throws SHAPE_MISMATCH for layers that have no counterpart and for data that do not fit, OPTION_INVALID for a loss that cannot be taken.
 */
export async function diagnose(model: LayersModel, data: ModelData, options: ModelDiagnoseOptions = {}): Promise<Diagnosis> {
  const { validation = data, seconds = 60, onProgress } = options;
  const backend = options.backend ?? (await wasmBackend());
  const taken = networkOf(model, backend);
  const loss = options.loss ?? lossOf(model);
  if (taken.outputActivation !== activationOf[loss]) {
    throw new ThroughtimeError(
      'SHAPE_MISMATCH',
      `ends in ${taken.outputActivation}, and the loss ${loss} stands behind ${activationOf[loss]}; change the last layer, or name the loss`,
      { field: model.name },
    );
  }
  const train = await datasetOf(data, taken, loss);
  const pieces = diagnosePieces({
    ...{ network: taken.network, model: taken.model, training: null, seconds },
    ...{ train, validation: validation === data ? train : await datasetOf(validation, taken, loss) },
    // Nothing is known of an experiment but its model.
    accepts: (set) => Object.keys(set).every((field) => field.startsWith('model.')),
  });
  let began = performance.now();
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
    onProgress?.(value);
    if (performance.now() - began < turn) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    began = performance.now();
  }
}

function lossOf(model: LayersModel): LossName {
  const { loss } = model as { loss?: unknown };
  const name = typeof loss === 'string' ? lossNames[loss] : undefined;
  if (name) return name;
  const known = Object.keys(activationOf).join(', ');
  throw new ThroughtimeError(
    'OPTION_INVALID',
    `the model ${loss === undefined ? 'is not compiled' : 'has a loss that cannot be taken'}; name one as { loss }: ${known}`,
    { field: model.name },
  );
}

async function datasetOf({ x, y }: ModelData, { network, targets }: ModelNetwork, loss: LossName): Promise<StoredSequences> {
  const wrong = (sentence: string) => new ThroughtimeError('SHAPE_MISMATCH', sentence);
  const [N, T, I] = x.shape;
  if (x.shape.length !== 3 || I !== network.input.size)
    throw wrong(`x has the shape [${x.shape}] where [sequences, steps, ${network.input.size}] is read`);
  const every = targets === 'every';
  const O = network.O;
  const leading = every ? [N, T] : [N];
  const width = y.shape.length === leading.length ? 1 : y.shape[leading.length];
  const fits = leading.every((size, axis) => y.shape[axis] === size) && y.shape.length <= leading.length + 1;
  const classes = loss === 'crossEntropy';
  if (!fits || !(width === O || (classes && width === 1))) {
    throw wrong(`y has the shape [${y.shape}] where [${[...leading, O]}] is answered${classes ? `, or [${leading}] class indices` : ''}`);
  }
  const vectors = Float64Array.from(await x.data());
  const given = Float64Array.from(await y.data());
  const steps = every ? T : 1;
  const arrays = {
    starts: Float64Array.from({ length: N + 1 }, (_, sequence) => sequence * T),
    targetStarts: Float64Array.from({ length: N + 1 }, (_, sequence) => sequence * steps),
    targetSteps: Int32Array.from({ length: N * steps }, (_, index) => (every ? index % T : T - 1)),
    ...{ vectors, symbols: new Int32Array(0) },
    classes: classes ? classesOf(given, width, O) : new Int32Array(0),
    values: classes ? new Float64Array(0) : given,
  };
  const target = { kind: classes ? 'classes' : 'values', size: O } as const;
  return new StoredSequences({ input: network.input, target, loss }, arrays);
}

/** Indices as they are, or the place of the 1 in each row. */
function classesOf(values: Float64Array, width: number, O: number): Int32Array {
  return Int32Array.from({ length: values.length / width }, (_, row) => {
    const single = values.subarray(row * width, (row + 1) * width);
    const index = width === 1 ? single[0] : single.indexOf(1);
    if (Number.isInteger(index) && index >= 0 && index < O && (width === 1 || single.every((each, at) => each === Number(at === index))))
      return index;
    throw new ThroughtimeError(
      'DATA_INVALID',
      `target ${row} of y is [${single}], which is no class of ${O}; give an index or one 1 among zeros`,
    );
  });
}
