import { ThroughtimeError } from '../errors.ts';
import { layerNames, type Network } from '../network/network.ts';
import { type OnnxNode, type OnnxTensor, type OnnxValue, onnxModel } from './onnxMessages.ts';

/** Operators as of this version, which every runtime of the last years has. */
const opset = 17;

interface Exportable {
  readonly op: 'RNN' | 'LSTM' | 'GRU';
  /** Which of this cell's gate blocks stands at each place of ONNX's order. */
  readonly blocks: readonly number[];
  readonly attributes: Readonly<Record<string, number | readonly string[]>>;
}

/** ONNX has the LSTM's gates in the order i, o, f, c and the GRU's in the order z, r, h; here they are i, f, g, o and r, z, n. */
const exportable: Readonly<Record<string, Exportable>> = {
  'rnn-tanh': { op: 'RNN', blocks: [0], attributes: { activations: ['Tanh'] } },
  'rnn-relu': { op: 'RNN', blocks: [0], attributes: { activations: ['Relu'] } },
  lstm: { op: 'LSTM', blocks: [0, 3, 1, 2], attributes: {} },
  // The reset gate acts on the recurrent term after its product, bias included.
  gru: { op: 'GRU', blocks: [1, 0, 2], attributes: { linear_before_reset: 1 } },
  'gru-reset-before': { op: 'GRU', blocks: [1, 0, 2], attributes: { linear_before_reset: 0 } },
};

/**
 * A network as an ONNX model: layers, residual connections and read-out, in float32. Steps T and sequences B are left open.
 *
 * Its inputs are `x`, [T, B, I] float32 or for symbols [T, B] int64, and the state before the first step, `h_l0` and for an LSTM
 * `c_l0` of each layer, [1, B, H], which is zeros at the beginning of a sequence. Its outputs are `y`, [T, B, O] before any softmax or sigmoid, and the
 * state after the last step, `h_l0_next` and so on, to be given to the next call.
 *
 * @param metadata strings to be kept in the model, such as what the inputs were standardised by.
 * @throws OPTION_INVALID for a cell that ONNX does not have, and for skip connections.
 */
export function writeOnnx(network: Network, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const { cell, input, H, O, L, parameters, residual, ways } = network;
  const known = Object.hasOwn(exportable, cell.name) ? exportable[cell.name] : undefined;
  if (!known) {
    const sentence = `the cell ${cell.name} is none that ONNX has, which are ${Object.keys(exportable).join(', ')}; export it as safetensors`;
    throw new ThroughtimeError('OPTION_INVALID', sentence);
  }
  if (ways.some(({ recurrentLag, shortcuts }) => recurrentLag > 1 || shortcuts.length > 0)) {
    const sentence = 'skip connections through time are nothing that an ONNX operator has; export the network as safetensors';
    throw new ThroughtimeError('OPTION_INVALID', sentence);
  }
  const { op, blocks, attributes } = known;
  const G = blocks.length;
  const constants: OnnxTensor[] = [];
  const nodes: OnnxNode[] = [];
  const inputs: OnnxValue[] = [
    input.kind === 'symbols'
      ? { name: 'x', type: 'int64', shape: ['T', 'B'] }
      : { name: 'x', type: 'float32', shape: ['T', 'B', input.size] },
  ];
  const outputs: OnnxValue[] = [{ name: 'y', type: 'float32', shape: ['T', 'B', O] }];
  const constant = (name: string, shape: readonly number[], values: OnnxTensor['values']) => {
    constants.push({ name, shape, values });
    return name;
  };
  /** The gate blocks of a parameter in ONNX's order. */
  const ordered = (name: string) => {
    const values = parameters.valuesOf(name);
    const size = values.length / G;
    const out = new Float32Array(values.length);
    for (const [place, block] of blocks.entries()) out.set(values.subarray(block * size, (block + 1) * size), place * size);
    return out;
  };

  let below = 'x';
  if (input.kind === 'symbols') {
    constant('alphabet', [], BigInt64Array.of(BigInt(input.size)));
    constant('cold_hot', [2], Float32Array.of(0, 1));
    nodes.push({ op: 'OneHot', inputs: ['x', 'alphabet', 'cold_hot'], outputs: ['x_one_hot'], attributes: { axis: -1 } });
    below = 'x_one_hot';
  }
  constant('direction', [1], BigInt64Array.of(1n));
  for (let layer = 0; layer < L; layer++) {
    const names = layerNames(layer);
    const I = layer === 0 ? input.size : H;
    const [W, R] = [ordered(names.inputWeight), ordered(names.recurrentWeight)];
    const bias = new Float32Array(2 * G * H);
    bias.set(ordered(names.inputBias));
    bias.set(ordered(names.recurrentBias), G * H);
    const states = cell.states.map((state) => `${state}_l${layer}`);
    for (const name of states) {
      inputs.push({ name, type: 'float32', shape: [1, 'B', H] });
      outputs.push({ name: `${name}_next`, type: 'float32', shape: [1, 'B', H] });
    }
    nodes.push({
      op,
      inputs: [
        below,
        constant(names.inputWeight, [1, G * H, I], W),
        constant(names.recurrentWeight, [1, G * H, H], R),
        constant(`bias_l${layer}`, [1, 2 * G * H], bias),
        // All sequences have T steps.
        '',
        ...states,
      ],
      outputs: [`all_l${layer}`, ...states.map((name) => `${name}_next`)],
      attributes: { hidden_size: H, ...attributes },
    });
    nodes.push({ op: 'Squeeze', inputs: [`all_l${layer}`, 'direction'], outputs: [`output_l${layer}`] });
    let output = `output_l${layer}`;
    if (residual && layer > 0) {
      nodes.push({ op: 'Add', inputs: [output, below], outputs: [`sum_l${layer}`] });
      output = `sum_l${layer}`;
    }
    below = output;
  }
  constant('readout.weight', [H, O], transposed(parameters.valuesOf('readout.weight'), O, H));
  constant('readout.bias', [O], Float32Array.from(parameters.valuesOf('readout.bias')));
  nodes.push({ op: 'MatMul', inputs: [below, 'readout.weight'], outputs: ['readout'] });
  nodes.push({ op: 'Add', inputs: ['readout', 'readout.bias'], outputs: ['y'] });
  return onnxModel({ name: cell.name, inputs, outputs, constants, nodes }, opset, metadata);
}

function transposed(values: ArrayLike<number>, rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column];
  return out;
}
