import { ThroughtimeError } from '../errors.ts';
import { fromKeras, type KerasCell, type KerasConfig, type KerasDense, type KerasRecurrent, kerasCell, kerasKinds } from './keras.ts';
import type { NamedTensor } from './safetensors.ts';

/** A Keras model as a network of this system. */
export interface KerasNetwork {
  readonly cell: KerasCell['cell'];
  readonly tensors: readonly NamedTensor[];
  /** Of a plain network. */
  readonly activation?: 'tanh' | 'relu';
  /** Where the outputs are read: at a sequence's last step, or at every one. */
  readonly targets: 'last' | 'every';
  /** What the model applies to the outputs, which is part of the loss here. */
  readonly outputActivation: 'linear' | 'softmax' | 'sigmoid';
  /** Layers that do nothing once a network is trained (dropout). */
  readonly leftOut: readonly string[];
  /** Each parameter's name, by that of the weight that it was made of. */
  readonly renamed: Readonly<Record<string, string>>;
}

/** A layer of a topology. */
interface Layer {
  readonly name: string;
  readonly kind: string;
  readonly config: Readonly<Record<string, unknown>>;
}

const silent = ['InputLayer', 'Dropout', 'SpatialDropout1D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout'];

/**
 * The parameters of a Keras model that is one chain of recurrent layers (SimpleRNN, LSTM or GRU, all alike) and one Dense layer, alone or
 * in a TimeDistributed.
 *
 * @param topology as `modelTopology` of a `model.json` has it, of Keras 2, Keras 3 or TensorFlow.js.
 * @param tensors all weights, by name.
 * @param file where they come from, for errors.
 * @throws SHAPE_MISMATCH for what no network here computes, with the layer: another layer or activation, branches, two directions.
 */
export function kerasNetwork(topology: unknown, tensors: ReadonlyMap<string, NamedTensor>, file: string): KerasNetwork {
  const wrong = (field: string, sentence: string) => new ThroughtimeError('SHAPE_MISMATCH', sentence, { file, field });
  const layers = chainOf(topology, wrong);
  const weights = new LayerWeights(tensors, wrong);
  const recurrent: KerasRecurrent[] = [];
  const leftOut: string[] = [];
  let dense: KerasDense | undefined;
  let activation: unknown = 'linear';
  let targets: 'last' | 'every' = 'every';
  for (const layer of layers) {
    const { name, config } = layer;
    const isRecurrent = kerasKinds.some((kind) => kind === layer.kind);
    const linear = layer.kind === 'TimeDistributed' ? asLayer(fieldsOf(config.layer)) : layer;
    if (silent.includes(layer.kind)) {
      if (layer.kind !== 'InputLayer') leftOut.push(name);
    } else if (dense) {
      throw wrong(name, `is a ${layer.kind} behind the Dense layer, and a network here ends with that; leave it out of the model`);
    } else if (isRecurrent) {
      if (recurrent.length > 0 && targets === 'last')
        throw wrong(name, 'follows a layer that gives its last step alone; set its return_sequences');
      recurrent.push(recurrentOf(layer, weights));
      targets = config.return_sequences === true ? 'every' : 'last';
    } else if (linear?.kind === 'Dense') {
      dense = {
        name,
        kernel: weights.take(name, 'kernel'),
        ...(linear.config.use_bias === false ? {} : { bias: weights.take(name, 'bias') }),
      };
      activation = linear.config.activation ?? 'linear';
    } else {
      const kinds = `${kerasKinds.join(', ')}, Dense, TimeDistributed(Dense) and dropout`;
      throw wrong(name, `is a layer of the class ${layer.kind}, which no network here has; of these classes can be taken: ${kinds}`);
    }
  }
  if (recurrent.length === 0) throw wrong('modelTopology', `has no recurrent layer; wanted are ${kerasKinds.join(', ')}`);
  if (!dense)
    throw wrong(recurrent[recurrent.length - 1].config.name, 'is the last layer, and outputs are read by a Dense layer behind it; add one');
  if (activation !== 'linear' && activation !== 'softmax' && activation !== 'sigmoid') {
    const sentence = `has the activation ${JSON.stringify(activation)}; outputs are linear here, with softmax or sigmoid as part of the loss`;
    throw wrong(dense.name, sentence);
  }
  weights.refuseOthers();
  const cells = recurrent.map(({ config }) => {
    const cell = kerasCell(config, file);
    if (cell.cell !== 'rnn' && cell.gates !== 'sigmoid') {
      throw wrong(
        config.name,
        "has gates of the recurrent activation hard_sigmoid, the gates here are sigmoid; train it with recurrentActivation 'sigmoid'",
      );
    }
    return cell;
  });
  const functions = new Set(cells.flatMap((cell) => (cell.cell === 'rnn' ? [cell.activation] : [])));
  if (functions.size > 1) throw wrong(recurrent[1].config.name, 'has another activation than the layer before; all layers have the same');
  const [cell] = cells;
  const taken = fromKeras(recurrent, dense, file);
  if (cells.some(({ cell: other }) => other !== cell.cell))
    throw wrong(recurrent[1].config.name, 'has another reset_after than the layer before; all layers have the same');
  return {
    cell: cell.cell,
    tensors: taken,
    ...(cell.cell === 'rnn' ? { activation: cell.activation } : {}),
    targets,
    outputActivation: activation,
    leftOut,
    renamed: Object.fromEntries([
      ...recurrent.flatMap(({ config: { name, resetAfter }, bias }, n) => [
        [weights.nameOf(name, 'kernel'), `weight_ih_l${n}`],
        [weights.nameOf(name, 'recurrent_kernel'), `weight_hh_l${n}`],
        ...(bias ? [[weights.nameOf(name, 'bias'), resetAfter ? `bias_ih_l${n}, bias_hh_l${n}` : `bias_ih_l${n}`]] : []),
      ]),
      [weights.nameOf(dense.name, 'kernel'), 'readout.weight'],
      ...(dense.bias ? [[weights.nameOf(dense.name, 'bias'), 'readout.bias']] : []),
    ]),
  };
}

function recurrentOf({ name, kind, config }: Layer, weights: LayerWeights): KerasRecurrent {
  const kernel = weights.take(name, 'kernel');
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  const read: KerasConfig = {
    name,
    kind: kind as KerasConfig['kind'],
    units: typeof config.units === 'number' ? config.units : Number.NaN,
    activation: text(config.activation ?? 'tanh'),
    ...(config.recurrent_activation === undefined ? {} : { recurrentActivation: text(config.recurrent_activation) }),
    resetAfter: kind === 'GRU' && config.reset_after === true,
    goBackwards: config.go_backwards === true,
  };
  return {
    config: read,
    kernel,
    recurrentKernel: weights.take(name, 'recurrent_kernel'),
    ...(config.use_bias === false ? {} : { bias: weights.take(name, 'bias') }),
  };
}

/** Weights by the layer they belong to: `lstm/lstm_cell/kernel` is the kernel of the layer `lstm`. */
class LayerWeights {
  readonly #tensors: ReadonlyMap<string, NamedTensor>;
  readonly #wrong: (field: string, sentence: string) => ThroughtimeError;
  readonly #names = new Map<string, string>();

  constructor(tensors: ReadonlyMap<string, NamedTensor>, wrong: (field: string, sentence: string) => ThroughtimeError) {
    this.#tensors = tensors;
    this.#wrong = wrong;
  }

  take(layer: string, part: string): NamedTensor {
    const own = [...this.#tensors.keys()].filter((name) => name.endsWith(`/${part}`) && `/${name}`.includes(`/${layer}/`));
    if (own.length !== 1) {
      const there = [...this.#tensors.keys()].join(', ') || 'none';
      const sentence = `must have one weight ${layer}/.../${part}, got ${own.join(' and ') || `none among ${there}`}; take another copy of the model`;
      throw this.#wrong(layer, sentence);
    }
    this.#names.set(`${layer}/${part}`, own[0]);
    return this.#tensors.get(own[0])!;
  }

  nameOf(layer: string, part: string): string {
    return this.#names.get(`${layer}/${part}`)!;
  }

  refuseOthers(): void {
    const taken = new Set(this.#names.values());
    const other = [...this.#tensors.keys()].find((name) => !taken.has(name));
    if (other !== undefined) throw this.#wrong(other, 'is a weight of no layer of the model; save the model alone, without its optimizer');
  }
}

/** The layers of a topology in their order. */
function chainOf(topology: unknown, wrong: (field: string, sentence: string) => ThroughtimeError): Layer[] {
  const whole = fieldsOf(topology);
  const model = fieldsOf(whole.model_config ?? whole);
  const { class_name: kind, config } = model;
  const { layers: listed = config } = fieldsOf(config);
  if ((kind !== 'Sequential' && kind !== 'Model' && kind !== 'Functional') || !Array.isArray(listed)) {
    throw wrong('modelTopology', `is a model of the class ${JSON.stringify(kind)}; Sequential and Functional models can be taken`);
  }
  const layers = listed.map((each, at) => {
    const layer = asLayer(fieldsOf(each));
    if (layer === undefined)
      throw wrong(`modelTopology`, `has a layer ${at} without class_name, config and name; take another copy of the model`);
    return { ...layer, before: kind === 'Sequential' ? undefined : sourcesOf(fieldsOf(each).inbound_nodes) };
  });
  const twice = layers.find(({ name }, at) => layers.findIndex((each) => each.name === name) !== at);
  if (twice) throw wrong(twice.name, 'is the name of two layers; take another copy of the model');
  if (kind === 'Sequential') return layers;
  // Keras lists layers in an order of its own: from the one that reads nothing, each has to be read by one.
  const chain = layers.filter(({ before }) => before?.length === 0);
  while (chain.length > 0 && chain.length <= layers.length) {
    const next = layers.filter(({ before }) => before?.includes(chain[chain.length - 1].name));
    if (next.length !== 1 || next[0].before!.length !== 1) break;
    chain.push(next[0]);
  }
  if (chain.length !== layers.length) {
    throw wrong(
      'modelTopology',
      `has branches or layers that are used twice; a chain of layers with one input and one output can be taken`,
    );
  }
  return chain;
}

function asLayer({ class_name: kind, config, name }: Record<string, unknown>): Layer | undefined {
  const own = fieldsOf(config);
  const called = own.name ?? name;
  if (typeof kind !== 'string' || typeof called !== 'string' || called === '') return undefined;
  return { kind, name: called, config: own };
}

/** The layers that a layer of a functional model reads: `[[[name, 0, 0, {}]]]`, or tensors with a `keras_history` in Keras 3. */
function sourcesOf(nodes: unknown): string[] {
  const found: string[] = [];
  const visit = (value: unknown, depth: number) => {
    if (depth > 8) return;
    if (Array.isArray(value)) {
      if (typeof value[0] === 'string' && typeof value[1] === 'number') found.push(value[0]);
      else for (const each of value) visit(each, depth + 1);
    } else if (typeof value === 'object' && value !== null) {
      for (const each of Object.values(value)) visit(each, depth + 1);
    }
  };
  visit(nodes, 0);
  return found;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
