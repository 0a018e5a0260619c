import { ThroughtimeError } from '../errors.ts';
import { fromKeras, type KerasCell, type KerasKind, type KerasRecurrent, kerasCell } from './keras.ts';
import type { NamedTensor } from './safetensors.ts';

/** Weights by Keras' names, taken: under the names of this system, and from which of their own. */
export interface KerasNames {
  readonly cell: KerasCell['cell'];
  readonly tensors: readonly NamedTensor[];
  readonly renamed: Readonly<Record<string, string>>;
}

const name = /^(.*?)[/.](?:[^/.]*_cell[/.])?(kernel|recurrent_kernel|bias)$/;

/** Whether weights have Keras' names: `lstm/lstm_cell/kernel`, also with dots, and `dense/kernel`. */
export function hasKerasNames(names: Iterable<string>): boolean {
  return [...names].some((each) => /[/.]recurrent_kernel$/.test(each));
}

const kindOfGates: Readonly<Record<number, KerasKind>> = { 1: 'SimpleRNN', 3: 'GRU', 4: 'LSTM' };

/**
 * The same network as `kerasNetwork` takes, from weights alone: one kind of recurrent layers, in the order of the numbers in their names (`lstm`,
 * `lstm_1`, ...), and the one layer without a recurrent kernel behind them. Weights do not say which functions a layer has: those taken are Keras'
 * own defaults, tanh and sigmoid. A GRU whose bias is one row resets before the product; one without biases is taken for Keras' default,
 * which resets after it.
 *
 * @param file where they come from, for errors.
 * @throws SHAPE_MISMATCH for what is no such network.
 */
export function fromKerasNames(tensors: ReadonlyMap<string, NamedTensor>, file: string): KerasNames {
  const wrong = (field: string, sentence: string) => new ThroughtimeError('SHAPE_MISMATCH', sentence, { file, field });
  const layers = new Map<string, Record<string, NamedTensor>>();
  for (const tensor of tensors.values()) {
    const [, layer, part] = name.exec(tensor.name) ?? [];
    if (layer === undefined) throw wrong(tensor.name, 'is no kernel, recurrent_kernel or bias of a layer; leave it out of the file');
    const own = layers.get(layer) ?? {};
    if (own[part]) throw wrong(tensor.name, `is a second ${part} of the layer ${layer}; leave one out of the file`);
    layers.set(layer, { ...own, [part]: tensor });
  }
  const numbered = [...layers].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  const recurrent = numbered.filter(([, parts]) => parts.recurrent_kernel);
  const [[dense, head] = [], another] = numbered.filter(([, parts]) => !parts.recurrent_kernel);
  if (dense === undefined || !head?.kernel)
    throw wrong(file, 'has no layer without a recurrent_kernel, which would be the read-out; add it');
  if (another) throw wrong(another[0], `is a second layer without a recurrent_kernel beside ${dense}; one can be taken`);
  const taken = recurrent.map(([layer, parts]): KerasRecurrent => {
    const { kernel, recurrent_kernel: recurrentKernel, bias } = parts;
    if (!kernel) throw wrong(layer, 'has no kernel; give all weights of every layer');
    const [H, rows] = recurrentKernel.shape;
    const kind = kindOfGates[rows / H];
    if (kind === undefined)
      throw wrong(recurrentKernel.name, `has the shape [${recurrentKernel.shape}]; wanted is [H, G*H] with G = 1, 3 or 4 gates`);
    const resetAfter = kind === 'GRU' && (bias === undefined || bias.shape.length === 2);
    return { config: { name: layer, kind, units: H, activation: 'tanh', resetAfter }, kernel, recurrentKernel, bias };
  });
  const renamed: [string, string][] = taken.flatMap(({ config: { resetAfter }, kernel, recurrentKernel, bias }, n): [string, string][] => [
    [(kernel as NamedTensor).name, `weight_ih_l${n}`],
    [(recurrentKernel as NamedTensor).name, `weight_hh_l${n}`],
    ...(bias ? [[(bias as NamedTensor).name, resetAfter ? `bias_ih_l${n}, bias_hh_l${n}` : `bias_ih_l${n}`] as [string, string]] : []),
  ]);
  renamed.push([head.kernel.name, 'readout.weight']);
  if (head.bias) renamed.push([head.bias.name, 'readout.bias']);
  const cells = taken.map(({ config }) => kerasCell(config, file));
  const [{ cell }] = cells;
  const named = fromKeras(taken, { name: dense, kernel: head.kernel, bias: head.bias }, file);
  const different = cells.findIndex((each) => each.cell !== cell);
  if (different >= 0)
    throw wrong(taken[different].config.name, `is a ${cells[different].cell} above a ${cell}; all layers are of one kind`);
  return { cell, tensors: named, renamed: Object.fromEntries(renamed) };
}
