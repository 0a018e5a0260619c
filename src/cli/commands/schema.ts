import { Command } from 'commander';
import { experimentJsonSchema } from '../../run/experimentSchema.ts';
import { toJson } from '../../run/json.ts';

export function schemaCommand(): Command {
  return new Command('schema')
    .description('print the JSON Schema of an experiment file, by which editors complete and check it')
    .addHelpText(
      'after',
      '\nExample:\n  throughtime schema > experiment.schema.json' +
        '\n\nName the file in the experiment: "$schema": "./experiment.schema.json". Where throughtime is installed in a project,' +
        '\n"$schema": "./node_modules/throughtime/dist/experiment.schema.json" does without a copy.',
    )
    .action(() => {
      process.stdout.write(`${toJson(experimentJsonSchema(), 2)}\n`);
    });
}
