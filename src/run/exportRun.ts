import { statSync } from 'node:fs';
import path from 'node:path';
import type { Backend } from '../compute/backend.ts';
import { ThroughtimeError } from '../errors.ts';
import { writeOnnx } from '../interop/onnx.ts';
import { type NamedTensor, writeSafetensors } from '../interop/safetensors.ts';
import type { Network } from '../network/network.ts';
import { cellMetadata, weightTensors } from './checkpoint.ts';
import { writeWhole } from './files.ts';
import { openWeights } from './openWeights.ts';
import { trainedNetwork } from './trainedNetwork.ts';

/** What a network can be written as, by the ending of the file's name. */
const formats: Readonly<Record<string, (network: Network, metadata: Record<string, string>) => Uint8Array>> = {
  '.safetensors': (network, metadata) =>
    writeSafetensors(weightTensors(network).map(asFloat32), { format: 'pt', ...cellMetadata(network.cell.name), ...metadata }),
  '.onnx': writeOnnx,
};

/** Numbers that are float32 are written as such, whatever the precision of the backend that held them. */
function asFloat32({ values, ...tensor }: NamedTensor): NamedTensor {
  const rounded = Float32Array.from(values);
  return { ...tensor, values: values.every((value, i) => Object.is(value, rounded[i])) ? rounded : values };
}

/** Which network is written, and where. */
export interface ExportRequest {
  /** A run directory, or weights as safetensors. */
  readonly source: string;
  /** Where to write; its ending, `.safetensors` or `.onnx`, says what. */
  readonly file: string;
  readonly backend: Backend;
  /** Of weights of a plain network: tanh unless told. */
  readonly activation?: 'tanh' | 'relu';
}

/** What was written. */
export interface ExportAnswer {
  readonly source: string;
  readonly file: string;
  /** Of a run: which of its weights. */
  readonly weights?: 'best' | 'last';
  readonly cell: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly parameters: number;
  readonly bytes: number;
}

/**
 * Writes the network of a run, or of a file of weights, for other programs. Of a run, the file's metadata have `throughtime.model` and
 * `throughtime.data`, JSON: the model's options, and what a user of the network needs to know of its data (alphabet, means, deviations).
 *
 * @throws OPTION_INVALID for another ending, and for a network that the format cannot hold; WRITE_FAILED; what opening the source throws.
 */
export async function exportNetwork({ source, file, backend, activation }: ExportRequest): Promise<ExportAnswer> {
  const ending = path.extname(file);
  const write = Object.hasOwn(formats, ending) ? formats[ending] : undefined;
  if (!write) {
    const sentence = `must end in ${Object.keys(formats).join(' or ')}, which says what is written; change the name`;
    throw new ThroughtimeError('OPTION_INVALID', sentence, { file });
  }
  const { network, weights, metadata } = await opened(source, backend, activation);
  const bytes = write(network, metadata);
  writeWhole(file, bytes);
  return {
    ...{ source, file, weights, cell: network.cell.name, layers: network.L, hiddenSize: network.H },
    ...{ parameters: network.parameters.length, bytes: bytes.length },
  };
}

interface Opened {
  readonly network: Network;
  readonly weights?: 'best' | 'last';
  readonly metadata: Record<string, string>;
}

async function opened(source: string, backend: Backend, activation?: 'tanh' | 'relu'): Promise<Opened> {
  if (!statSync(source, { throwIfNoEntry: false })?.isFile()) {
    if (activation !== undefined) {
      throw new ThroughtimeError('OPTION_INVALID', '--activation does not go with a run directory, which has its own; leave it out');
    }
    const { directory, network, weights } = await trainedNetwork(source, backend);
    const { experiment, data } = directory.record;
    return {
      ...{ network, weights },
      metadata: { 'throughtime.model': JSON.stringify(experiment.model), 'throughtime.data': JSON.stringify(data) },
    };
  }
  const shape = await openWeights(source, activation);
  return { network: shape.open(backend, { kind: 'vectors', size: shape.inputSize }), metadata: {} };
}
