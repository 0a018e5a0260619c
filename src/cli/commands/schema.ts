import { Argument, Command } from 'commander';
import { experimentJsonSchema } from '../../run/experimentSchema.ts';
import { toJson } from '../../run/json.ts';
import { sweepJsonSchema } from '../../sweep/sweepSchema.ts';

const schemas: Readonly<Record<string, () => object>> = { experiment: experimentJsonSchema, sweep: sweepJsonSchema };

export function schemaCommand(): Command {
  return new Command('schema')
    .description('print the JSON Schema of an experiment or sweep file, by which editors complete and check it')
    .addArgument(new Argument('[kind]', 'of which kind of file').choices(Object.keys(schemas)).default('experiment'))
    .addHelpText(
      'after',
      '\nExamples:\n  throughtime schema > experiment.schema.json\n  throughtime schema sweep > sweep.schema.json' +
        '\n\nName the file in the experiment: "$schema": "./experiment.schema.json". Where throughtime is installed in a project,' +
        '\n"$schema": "./node_modules/throughtime/dist/experiment.schema.json" does without a copy.',
    )
    .action((kind: string) => {
      process.stdout.write(`${toJson(schemas[kind](), 2)}\n`);
    });
}
