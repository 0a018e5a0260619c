import { Command, Option } from 'commander';
import type { Reading } from '../../data/sequencesRules.ts';
import { writeWhole } from '../../run/files.ts';
import { toJson } from '../../run/json.ts';
import { type PredictionAnswer, predictRun } from '../../run/predictRun.ts';
import { type BackendName, openBackend } from '../openBackend.ts';
import { options, pathText } from '../options.ts';

interface PredictFlags {
  data: string;
  every?: boolean;
  targets?: Reading;
  out?: string;
  backend: BackendName;
  threads: number;
  json?: boolean;
}

export function predictCommand(): Command {
  return new Command('predict')
    .description('predict with the network of a run: CSV of a table, NDJSON of sequences')
    .argument('<run>', 'a run directory', pathText)
    .requiredOption('--data <file>', 'a table with the columns that the run reads, or sequences as NDJSON, {"x": ...} a line', pathText)
    .option('--every', 'of a table: a forecast from every row that has enough rows before it, not from the newest alone')
    .addOption(new Option('--targets <where>', 'of sequences: at which steps; by default as in training').choices(['last', 'every']))
    .option('--out <file>', 'where to write; stdout by default', pathText)
    .addOption(options.backend())
    .addOption(options.threads())
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nExamples:\n  throughtime predict runs/etth1 --data newest.csv --out forecast.csv\n  throughtime predict runs/mine --data unseen.ndjson',
    )
    .action(predict);
}

async function predict(run: string, flags: PredictFlags, command: Command): Promise<void> {
  const { backend } = await openBackend(flags, command);
  const answer = await predictRun({ run, ...flags, backend });
  const { kind, weights } = answer;
  if (flags.json) {
    const predicted = [...(answer.values as Iterable<unknown>)];
    if (flags.out === undefined) process.stdout.write(`${toJson({ run, kind, weights, predictions: predicted })}\n`);
    else {
      writeWhole(flags.out, lines({ ...answer, values: predicted } as PredictionAnswer));
      process.stdout.write(`${toJson({ run, kind, weights, count: predicted.length, out: flags.out })}\n`);
    }
    return;
  }
  const text = lines(answer);
  if (flags.out === undefined) process.stdout.write(text);
  else writeWhole(flags.out, text);
}

/** CSV with its first row, or an object a line. */
function lines(answer: PredictionAnswer): string {
  if (answer.kind === 'sequences') return Array.from(answer.values, (each) => `${toJson(each)}\n`).join('');
  const rows = Array.from(answer.values, ({ origin, time, ahead, forecast }) => `${origin},${time},${ahead},${forecast}\n`);
  return `origin,time,ahead,forecast\n${rows.join('')}`;
}
