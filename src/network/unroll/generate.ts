import type { Random } from '../../compute/random.ts';
import { ThroughtimeError } from '../../errors.ts';
import type { Network } from '../network.ts';
import { Predictor } from './predictor.ts';

/**
 * Lets a network that predicts the next symbol speak: it reads the prompt, then draws symbol after symbol from
 * softmax(output / temperature) and reads each one back.
 *
 * @param prompt at least one symbol; it is not part of what is returned.
 * @param temperature above 0; below 1 the likely becomes likelier.
 */
export function generate(network: Network, prompt: readonly number[], length: number, temperature: number, random: Random): Int32Array {
  const { input, O, backend } = network;
  if (input.kind !== 'symbols' || input.size !== O) {
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `only a network that reads the symbols it predicts can generate, this one reads ${input.size} ${input.kind} and gives ${O}`,
    );
  }
  if (prompt.length === 0) throw new ThroughtimeError('OPTION_INVALID', 'generating needs a prompt of at least one symbol');
  if (!(temperature > 0)) throw new ThroughtimeError('OPTION_INVALID', `a temperature is a number above 0, got ${temperature}`);
  const mark = backend.mark();
  const predictor = new Predictor(network);
  const generated = new Int32Array(length);
  for (let i = 0; i < prompt.length + length - 1; i++) {
    const outputs = predictor.step([i < prompt.length ? prompt[i] : generated[i - prompt.length]]);
    if (i >= prompt.length - 1) generated[i - prompt.length + 1] = draw(outputs, O, temperature, random);
  }
  backend.release(mark);
  return generated;
}

/** One class from softmax(output / temperature). */
function draw(outputs: ArrayLike<number>, O: number, temperature: number, random: Random): number {
  let largest = -Infinity;
  for (let o = 0; o < O; o++) largest = Math.max(largest, outputs[o]);
  let sum = 0;
  for (let o = 0; o < O; o++) sum += Math.exp((outputs[o] - largest) / temperature);
  let rest = random.uniform() * sum;
  for (let o = 0; o < O; o++) {
    rest -= Math.exp((outputs[o] - largest) / temperature);
    if (rest < 0) return o;
  }
  return O - 1;
}
