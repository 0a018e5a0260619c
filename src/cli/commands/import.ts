import { Command } from 'commander';
import { importWeights } from '../../run/importWeights.ts';
import { toJson } from '../../run/json.ts';
import { options, pathText } from '../options.ts';

export function importCommand(): Command {
  return new Command('import')
    .description('take the weights of a network trained elsewhere, for inspect, diagnose and export')
    .argument('<weights>', 'the state of a PyTorch module with one recurrent and one linear layer, as safetensors', pathText)
    .argument('<file>', 'where to write them as safetensors', pathText)
    .addOption(options.json())
    .addHelpText('after', '\nExample:\n  throughtime import model.safetensors mine.safetensors')
    .action(async (source: string, file: string, { json }: { json?: boolean }) => {
      const answer = await importWeights({ source, file });
      const { layers, hiddenSize, cell, inputSize, outputSize, renamed, zeros } = answer;
      const rows = [
        `${file}: ${layers} x ${hiddenSize} ${cell}, ${inputSize} inputs, ${outputSize} outputs`,
        ...Object.entries(renamed).map(([before, after]) => `  ${before} is ${after}`),
        ...zeros.map((name) => `  ${name} is zeros, for the source has none`),
      ];
      process.stdout.write(json ? `${toJson(answer)}\n` : `${rows.join('\n')}\n`);
    });
}
