import { Command, Option } from 'commander';
import { scalarBackend } from '../../compute/scalar/scalar.ts';
import { exportNetwork } from '../../run/exportRun.ts';
import { toJson } from '../../run/json.ts';
import { options, pathText } from '../options.ts';

export function exportCommand(): Command {
  return new Command('export')
    .description('write the network of a run, or of a file of weights, for other programs')
    .argument('<run or weights>', 'a run directory, or weights as safetensors', pathText)
    .argument('<file>', 'where to write: its ending, .onnx or .safetensors, says what', pathText)
    .addOption(new Option('--activation <name>', 'of weights of a plain network; tanh unless told').choices(['tanh', 'relu']))
    .addOption(options.json())
    .addHelpText('after', '\nExamples:\n  throughtime export runs/mine mine.onnx\n  throughtime export runs/mine mine.safetensors')
    .action(async (source: string, file: string, { activation, json }: { activation?: 'tanh' | 'relu'; json?: boolean }) => {
      const answer = await exportNetwork({ source, file, activation, backend: scalarBackend() });
      const { layers, hiddenSize, cell, parameters, bytes, weights } = answer;
      const which = weights === undefined ? '' : `, the ${weights} weights`;
      const said = `${file}: ${layers} x ${hiddenSize} ${cell}, ${parameters} parameters${which}, ${bytes} bytes\n`;
      process.stdout.write(json ? `${toJson(answer)}\n` : said);
    });
}
