import { Command, InvalidArgumentError } from 'commander';
import { generateText } from '../../run/generateText.ts';
import { toJson } from '../../run/json.ts';
import { type BackendName, openBackend } from '../openBackend.ts';
import { options, pathText } from '../options.ts';

interface GenerateFlags {
  prompt: string;
  length: number;
  temperature: number;
  seed: number;
  backend: BackendName;
  threads: number;
  json?: boolean;
}

export function generateCommand(): Command {
  return new Command('generate')
    .description('have the network of a run on text go on with a prompt')
    .argument('<run>', 'a run directory', pathText)
    .option('--prompt <text>', 'what it goes on with', '\n')
    .option('--length <characters>', 'how many to write', length, 400)
    .option('--temperature <number>', 'above 0; below 1 the likely becomes likelier', temperature, 0.8)
    .addOption(options.seed().default(0))
    .addOption(options.backend())
    .addOption(options.threads())
    .addOption(options.json())
    .addHelpText('after', '\nExample:\n  throughtime generate runs/moby-dick --prompt "Call me" --length 200 --temperature 0.6')
    .action(generate);
}

function length(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1 || value > 1e7)
    throw new InvalidArgumentError('It must be a whole number from 1 to 10000000.');
  return value;
}

function temperature(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

async function generate(run: string, flags: GenerateFlags, command: Command): Promise<void> {
  const { backend } = await openBackend(flags, command);
  const { prompt, length, temperature, seed } = flags;
  const { text, weights } = await generateText({ run, backend, prompt, length, temperature, seed });
  process.stdout.write(flags.json ? `${toJson({ run, weights, prompt, temperature, seed, text })}\n` : `${prompt}${text}\n`);
}
