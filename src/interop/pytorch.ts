import { ThroughtimeError } from '../errors.ts';
import type { NamedTensor } from './safetensors.ts';

/**
 * The weights of a PyTorch module that holds one `nn.RNN`, `nn.LSTM` or `nn.GRU` and one `nn.Linear` after it, under the names that this
 * system has for them. The names of the module's parts are left out: `encoder.lstm.weight_ih_l0` is `weight_ih_l0`, the only other
 * `<name>.weight` is `readout.weight`. Biases that the module has not (`bias=False`) are zeros.
 *
 * @param file its name, for errors.
 * @throws SHAPE_MISMATCH for what is not of such a module: a second recurrent part or linear layer, two directions, a projection.
 */
export function fromPytorch(tensors: Iterable<NamedTensor>, file: string): NamedTensor[] {
  const wrong = (field: string, sentence: string) => new ThroughtimeError('SHAPE_MISMATCH', sentence, { file, field });
  const found = new Map<string, NamedTensor>();
  const prefixes = new Map<string, string>();
  for (const { name, shape, values } of tensors) {
    const match = /^(.*\.)?((?:weight|bias)_(ih|hh|hr)_l\d+(_reverse)?)$/.exec(name) ?? /^(.*\.)?(weight|bias)$/.exec(name);
    if (!match)
      throw wrong(name, 'is none of the parameters of a recurrent and a linear layer, which alone can be taken; leave it out of the file');
    const [, prefix = '', own, kind, reverse] = match;
    if (reverse !== undefined)
      throw wrong(
        name,
        'is of a network of two directions, and one that goes forward alone can be taken; train it with bidirectional=False',
      );
    if (kind === 'hr') throw wrong(name, 'is a projection of the state, which no cell here has; train it without proj_size');
    const part = kind === undefined ? 'linear' : 'recurrent';
    const before = prefixes.get(part);
    if (before !== undefined && before !== prefix) {
      throw wrong(
        name,
        `belongs to a second ${part} layer beside ${JSON.stringify(before)}, and one of each can be taken; export them apart`,
      );
    }
    prefixes.set(part, prefix);
    const renamed = kind === undefined ? `readout.${own}` : own;
    found.set(renamed, { name: renamed, shape, values });
  }
  const zeros = (name: string, rows: number | undefined) => {
    if (rows === undefined || found.has(name)) return;
    found.set(name, { name, shape: [rows], values: new Float32Array(rows) });
  };
  for (const layer of [...found.keys()].flatMap((name) => /^weight_hh_l(\d+)$/.exec(name)?.[1] ?? [])) {
    const rows = found.get(`weight_hh_l${layer}`)?.shape[0];
    zeros(`bias_ih_l${layer}`, rows);
    zeros(`bias_hh_l${layer}`, rows);
  }
  zeros('readout.bias', found.get('readout.weight')?.shape[0]);
  return [...found.values()];
}
