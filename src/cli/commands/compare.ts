import { Command } from 'commander';
import { ThroughtimeError } from '../../errors.ts';
import { compareRuns, defaultMetric, readRuns } from '../../run/compare/compareRuns.ts';
import { checkParquetName, type Exported, exportCurves, exportRuns } from '../../run/compare/exportRuns.ts';
import { toJson } from '../../run/json.ts';
import { trialEnds } from '../../sweep/trialEnds.ts';
import { comparisonScreen } from '../comparisonScreen.ts';
import { options, pathText } from '../options.ts';

interface CompareFlags {
  by?: string;
  metric: string;
  against: string[];
  parquet?: string;
  parquetCurves?: string;
  json?: boolean;
}

/** Characters of a line where no terminal says how many it has. */
const lineWidth = 100;
/** Milliseconds between two signs of progress, and before the first. */
const tellEvery = 2000;

export function compareCommand(): Command {
  return new Command('compare')
    .description('group runs by fields of their experiments, and compare what they came to')
    .argument('<runs...>', 'run directories, or folders of them at any depth', (place: string, before: string[] = []) => [
      ...before,
      pathText(place),
    ])
    .option('--by <fields>', 'fields that make the groups, with commas between; by default those in which the runs differ, seeds aside')
    .option('--metric <result>', 'a number of the result of train, by its path', defaultMetric)
    .option(
      '--against <field=value>',
      'the group that the others are compared with, by default the best; may be repeated, once for each field',
      (value: string, before: string[]) => [...before, value],
      [] as string[],
    )
    .option('--parquet <file>', 'write a row for each run into a Parquet file', pathText)
    .option('--parquet-curves <file>', 'write a row for each update of each run into a Parquet file', pathText)
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nExamples:\n  throughtime compare runs\n  throughtime compare runs --by model.cell,training.clip --metric metric.value' +
        '\n  throughtime compare runs --by model.cell --against model.cell=rnn --parquet runs.parquet',
    )
    .action(compare);
}

async function compare(places: string[], { by, metric, against, parquet, parquetCurves, json }: CompareFlags): Promise<void> {
  if (parquet !== undefined) checkParquetName('--parquet', parquet);
  if (parquetCurves !== undefined) checkParquetName('--parquet-curves', parquetCurves);
  const fields = by === undefined ? undefined : fieldsOf(by);
  const wanted = against.length === 0 ? undefined : valuesOf(against);
  let told = performance.now();
  const each = (read: number, of: number) => {
    if (performance.now() - told < tellEvery) return;
    told = performance.now();
    process.stderr.write(`${read} of ${of} runs read\n`);
  };
  const runs = readRuns(places, { each, why: trialEnds() });
  const comparison = compareRuns(runs, { by: fields, metric, against: wanted });
  const written: Record<string, Exported> = {};
  if (parquet !== undefined) written.parquet = await exportRuns(runs.all, parquet);
  if (parquetCurves !== undefined) written.curves = await exportCurves(runs.all, parquetCurves);
  if (json) {
    process.stdout.write(`${toJson({ ...comparison, ...written })}\n`);
    return;
  }
  process.stdout.write(`${comparisonScreen(comparison, process.stdout.columns ?? lineWidth)}\n`);
  for (const { file, rows } of Object.values(written)) process.stdout.write(`  Written: ${file}, ${rows} rows.\n`);
}

function fieldsOf(text: string): string[] {
  const fields = text.split(',').map((each) => each.trim());
  if (fields.every((each) => each !== '')) return fields;
  throw new ThroughtimeError(
    'OPTION_INVALID',
    `--by takes fields such as model.cell,training.clip, got ${JSON.stringify(text)}; name each`,
  );
}

function valuesOf(given: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const each of given) {
    const equals = each.indexOf('=');
    if (equals < 1) {
      throw new ThroughtimeError(
        'OPTION_INVALID',
        `--against takes field=value, such as model.cell=rnn, got ${JSON.stringify(each)}; give both`,
      );
    }
    const field = each.slice(0, equals);
    if (Object.hasOwn(values, field)) throw new ThroughtimeError('OPTION_INVALID', `--against names ${field} twice; name one group`);
    values[field] = each.slice(equals + 1);
  }
  return values;
}
