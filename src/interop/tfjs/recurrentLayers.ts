import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { ThroughtimeError } from '../../errors.ts';
import { type KerasKind, kerasKinds } from '../keras.ts';

export type Layer = LayersModel['layers'][number];

/** A recurrent layer of TensorFlow.js, and of its cell what is used here. */
export interface RecurrentLayer extends Layer {
  readonly cell: {
    call(inputs: Tensor | Tensor[], kwargs: Parameters<Layer['call']>[1]): Tensor | Tensor[];
    getClassName(): string;
    getConfig(): ReturnType<Layer['getConfig']>;
  };
  readonly returnSequences: boolean;
  readonly stateful: boolean;
  readonly goBackwards: boolean;
}

/** The cells, by the class of their layer; `layers.rnn` has a cell that is given to it. */
const cellClasses: Record<KerasKind, string> = { SimpleRNN: 'SimpleRNNCell', LSTM: 'LSTMCell', GRU: 'GRUCell' };

export function kindOf(layer: RecurrentLayer): KerasKind | undefined {
  return kerasKinds.find((kind) => layer.cell.getClassName() === cellClasses[kind]);
}

/** Whether a layer carries a state from step to step, in a cell of its own. */
export function isRecurrent(layer: Layer): layer is RecurrentLayer {
  return 'cell' in layer && typeof (layer.cell as RecurrentLayer['cell'])?.call === 'function';
}

/** What a layer is made of: the layers of a model in a model, both directions of a bidirectional layer, what a wrapper wraps; or it alone. */
function parts(layer: object): Layer[] {
  const { layers, forwardLayer, backwardLayer, layer: wrapped } = layer as Partial<Record<string, unknown>>;
  if (Array.isArray(layers)) return layers.flatMap(parts);
  const within = [forwardLayer, backwardLayer, wrapped].filter((each) => typeof each === 'object' && each !== null);
  return within.length > 0 ? within.flatMap((each) => parts(each as object)) : [layer as Layer];
}

/**
 * The recurrent layers of a model, also of what is wrapped in it, or the layer itself.
 *
 * @throws SHAPE_MISMATCH where there is none, or one that is not simpleRNN, LSTM or GRU.
 */
export function recurrentLayers(from: LayersModel | layers.RNN): RecurrentLayer[] {
  const all = parts(from);
  const found = all.filter(isRecurrent);
  if (found.length === 0) {
    throw new ThroughtimeError(
      'SHAPE_MISMATCH',
      `there is no recurrent layer among ${all.map(({ name }) => name).join(', ') || 'none'}; wanted is simpleRNN, lstm or gru`,
    );
  }
  for (const layer of found) {
    if (kindOf(layer) === undefined) {
      throw new ThroughtimeError('SHAPE_MISMATCH', `has the cell ${layer.cell.getClassName()}; wanted is simpleRNN, lstm or gru`, {
        field: layer.name,
      });
    }
  }
  return found;
}
