import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Backend } from '../../compute/backend.ts';
import type { LossName } from '../../data/dataset.ts';
import { ThroughtimeError } from '../../errors.ts';
import type { ModelOptions } from '../../network/model.ts';
import { Network } from '../../network/network.ts';
import { fromKeras, type KerasArray, type KerasRecurrent, kerasCell } from '../keras.ts';
import { hardGru, hardLstm } from './hardCells.ts';
import { isRecurrent, kindOf, type Layer, type RecurrentLayer } from './recurrentLayers.ts';

/** A model of TensorFlow.js as a network of this system, with its weights. */
export interface ModelNetwork {
  readonly network: Network;
  readonly model: ModelOptions;
  /** Whether it answers at every step, or at the last one alone. */
  readonly targets: 'last' | 'every';
  /** The activation of its last layer: `linear`, `softmax` or `sigmoid`; the network's outputs are what goes into it. */
  readonly outputActivation: string;
}

/** The activation that the last layer has before each loss; the losses here take what goes into it. */
export const activationOf: Record<LossName, string> = { mse: 'linear', crossEntropy: 'softmax', binaryCrossEntropy: 'sigmoid' };

/**
 * Takes the weights of a model over: a stack of `simpleRNN`, `lstm` or `gru` layers of one kind and size, and one `dense` layer behind it. `dropout`
 * layers, which do nothing outside of training, may stand between.
 *
 * @throws SHAPE_MISMATCH naming the layer that has no counterpart here.
 */
export function networkOf(model: LayersModel, backend: Backend): ModelNetwork {
  const wrong = (layer: Layer, sentence: string) => new ThroughtimeError('SHAPE_MISMATCH', sentence, { field: layer.name });
  const all = model.layers.filter((layer) => !['InputLayer', 'Dropout'].includes(layer.getClassName()));
  const recurrent = all.filter(isRecurrent);
  const dense = all.at(-1);
  const [first] = recurrent;
  if (first === undefined || dense?.getClassName() !== 'Dense') {
    throw new ThroughtimeError(
      'SHAPE_MISMATCH',
      `has the layers ${all.map((layer) => layer.getClassName()).join(', ') || 'none'}; wanted are recurrent ones and a dense one behind them`,
      { field: model.name },
    );
  }
  for (const [index, layer] of all.slice(0, -1).entries()) {
    if (!isRecurrent(layer))
      throw wrong(layer, `is ${layer.getClassName()}, which has no counterpart; between input and dense layer stand recurrent ones`);
    const reads = layer.inboundNodes.flatMap(({ inboundLayers }) => inboundLayers.map(({ name }) => name));
    if (reads.length > 1) throw wrong(layer, `reads ${reads.join(' and ')}; wanted is a plain stack, each layer reading the one before`);
    if (index < recurrent.length - 1 && !layer.returnSequences) {
      throw wrong(layer, 'gives its last step alone to a recurrent layer above; make it with returnSequences: true');
    }
  }
  const taken = recurrent.map(arraysOf);
  const cells = taken.map(({ config }) => kerasCell(config));
  const [cell] = cells;
  const different = cells.findIndex((each) => JSON.stringify(each) !== JSON.stringify(cell));
  if (different >= 0)
    throw wrong(recurrent[different], `is not of the kind of ${first.name}; all layers are of one kind, with the same functions`);
  const [kernel, bias] = dense.getWeights().map(arrayOf);
  const parameters = fromKeras(taken, { name: dense.name, kernel, bias });
  const options: ModelOptions = {
    cell: cell.cell === 'rnn' || cell.gates === 'sigmoid' ? cell.cell : cell.cell === 'lstm' ? hardLstm : hardGru,
    ...(cell.cell === 'rnn' ? { activation: cell.activation } : {}),
    hiddenSize: taken[0].config.units,
    layers: taken.length,
  };
  const network = new Network(backend, options, { kind: 'vectors', size: taken[0].kernel.shape[0] }, kernel.shape[1]);
  for (const { name, values } of parameters) network.parameters.valuesOf(name).set(values);
  network.changed();
  const outputActivation = String((dense.getConfig() as { activation: unknown }).activation);
  return { network, model: options, targets: recurrent.at(-1)?.returnSequences ? 'every' : 'last', outputActivation };
}

/** What TensorFlow.js says of a layer; its GRU never resets after the product. */
function arraysOf(layer: RecurrentLayer): KerasRecurrent {
  const { activation, recurrentActivation, units } = layer.cell.getConfig() as Record<string, unknown>;
  const kind = kindOf(layer);
  if (kind === undefined) {
    throw new ThroughtimeError('SHAPE_MISMATCH', `has the cell ${layer.cell.getClassName()}; wanted is simpleRNN, lstm or gru`, {
      field: layer.name,
    });
  }
  const [kernel, recurrentKernel, bias] = layer.getWeights().map(arrayOf);
  return {
    config: {
      ...{ name: layer.name, kind, units: units as number, activation: String(activation), goBackwards: layer.goBackwards },
      ...(recurrentActivation === undefined ? {} : { recurrentActivation: String(recurrentActivation) }),
    },
    ...{ kernel, recurrentKernel, bias },
  };
}

function arrayOf(tensor: ReturnType<Layer['getWeights']>[number]): KerasArray {
  return { shape: tensor.shape, values: tensor.dataSync() };
}
