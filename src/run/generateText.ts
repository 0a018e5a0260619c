import type { Backend } from '../compute/backend.ts';
import { Random, seedFor } from '../compute/random.ts';
import { ThroughtimeError } from '../errors.ts';
import { generate } from '../network/unroll/generate.ts';
import { trainedNetwork } from './trainedNetwork.ts';

/** How a run on text goes on with a prompt. */
export interface GenerateRequest {
  readonly run: string;
  readonly backend: Backend;
  /** At least one character, all of the run's alphabet. */
  readonly prompt: string;
  /** Characters to write. */
  readonly length: number;
  /** Above 0; below 1 the likely becomes likelier. */
  readonly temperature: number;
  readonly seed: number;
}

/**
 * Has the network of a run on text go on with a prompt, which is not part of what is returned. The same seed gives the same text.
 *
 * @throws OPTION_INVALID where the run is not on text, or the prompt is empty or has a character that was not in the text.
 */
export async function generateText(request: GenerateRequest): Promise<{ readonly text: string; readonly weights: 'best' | 'last' }> {
  const { run, backend, prompt, length, temperature, seed } = request;
  const { directory, network, weights } = await trainedNetwork(run, backend);
  const { data } = directory.record;
  if (data.kind !== 'text') {
    const sentence = `is a run on ${data.kind} data, and only one on text can write; use: throughtime predict ${run} --data <file>`;
    throw new ThroughtimeError('OPTION_INVALID', sentence, { file: run });
  }
  const alphabet = [...data.alphabet];
  const codeOf = new Map(alphabet.map((character, code) => [character, code]));
  const codes = Array.from(prompt, (character) => {
    const code = codeOf.get(character);
    if (code !== undefined) return code;
    const shown = alphabet.length > 100 ? `${alphabet.length} others` : JSON.stringify(data.alphabet);
    const sentence = `has the character ${JSON.stringify(character)}, which was not in the text; that had ${shown}; leave it out`;
    throw new ThroughtimeError('OPTION_INVALID', sentence, { field: 'prompt' });
  });
  const written = generate(network, codes, length, temperature, new Random(seedFor(seed, 'sample')));
  return { text: Array.from(written, (code) => alphabet[code]).join(''), weights };
}
