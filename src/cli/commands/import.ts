import { Command } from 'commander';
import { importWeights } from '../../run/importWeights.ts';
import { toJson } from '../../run/json.ts';
import { options, pathText } from '../options.ts';

export function importCommand(): Command {
  return new Command('import')
    .description('take the weights of a network trained elsewhere, for inspect, diagnose and export')
    .argument(
      '<weights>',
      'a PyTorch module with one recurrent and one linear layer, as safetensors; or model.json of TensorFlow.js, beside its shards',
      pathText,
    )
    .argument('<file>', 'where to write them as safetensors', pathText)
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nExamples:\n  throughtime import model.safetensors mine.safetensors\n  throughtime import tfjs/model.json mine.safetensors',
    )
    .action(async (source: string, file: string, { json }: { json?: boolean }) => {
      const answer = await importWeights({ source, file });
      const {
        layers,
        hiddenSize,
        cell,
        inputSize,
        outputSize,
        renamed,
        zeros,
        activation,
        targets,
        outputActivation,
        leftOut = [],
      } = answer;
      const rows = [
        `${file}: ${layers} x ${hiddenSize} ${cell}, ${inputSize} inputs, ${outputSize} outputs`,
        ...Object.entries(renamed).map(([before, after]) => `  ${before} is ${after}`),
        ...zeros.map((name) => `  ${name} is zeros, for the source has none`),
        ...leftOut.map((name) => `  ${name} does nothing once a network is trained, and is left out`),
        ...(activation === 'relu'
          ? ['  it is a plain network of ReLU units: say so to inspect, diagnose and export by --activation relu']
          : []),
        ...(targets === undefined ? [] : [`  its outputs are read ${targets === 'last' ? 'at the last step' : 'at every step'}`]),
        ...(outputActivation === undefined || outputActivation === 'linear' ? [] : [`  its ${outputActivation} is part of the loss here`]),
      ];
      process.stdout.write(json ? `${toJson(answer)}\n` : `${rows.join('\n')}\n`);
    });
}
