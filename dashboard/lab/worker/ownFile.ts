import { type DataParts, sequencesData, ThroughtimeError, tableData, textData, trainingDefaults } from '../../../src/index.ts';
import type { OwnFile } from './messages.ts';

/** Of the sequences of a file, those that are kept for validation: the last. */
const validationShare = 0.2;
/** Rows that a prediction reads, and how many it predicts. */
const window = 48;
const horizon = 1;

/** Data of a file of the visitor's, by the ending of its name: sequences (.ndjson, .jsonl), a table (.csv), else a text. */
export async function openFile(file: OwnFile | undefined): Promise<DataParts> {
  if (!file) throw new ThroughtimeError('DATA_INVALID', 'there is no file yet; drop one on the page, or choose a task');
  const ending = /\.(\w+)$/.exec(file.name.toLowerCase())?.[1];
  if (ending === 'ndjson' || ending === 'jsonl') return sequences(file);
  if (ending === 'csv') return table(file);
  return textData(file.content, { file: file.name, split: 1 - validationShare }).streams(trainingDefaults.batchSize);
}

async function sequences({ name, content }: OwnFile): Promise<DataParts> {
  const lines = content.split(/\r?\n/).filter((line) => line.trim() !== '');
  const first = Math.max(1, Math.floor(lines.length * (1 - validationShare)));
  const loss = lossOf(lines[0] ?? '');
  return sequencesData({
    train: { file: name, lines: lines.slice(0, first) },
    validation: { file: name, lines: lines.slice(first) },
    options: { kind: 'sequences', loss },
  });
}

/** Whole numbers are classes; all others are numbers. */
function lossOf(line: string): 'crossEntropy' | 'mse' {
  try {
    const { y } = JSON.parse(line) as { y: unknown };
    const targets = (Array.isArray(y) ? y : [y]).filter((each) => each !== null);
    return targets.length > 0 && targets.every((each) => Number.isInteger(each) && (each as number) >= 0) ? 'crossEntropy' : 'mse';
  } catch {
    // What is no JSON is refused, with its line, by who reads the sequences.
    return 'mse';
  }
}

/** Every column of numbers is read, and the last of them is predicted. */
function table({ name, content }: OwnFile): DataParts {
  if (content.includes('"')) {
    throw new ThroughtimeError('DATA_INVALID', 'has quoted cells, which are not read here; take the quotes out', { file: name });
  }
  const [head, ...rows] = content
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(','));
  if (!head || rows.length === 0)
    throw new ThroughtimeError('DATA_TOO_SHORT', 'has no rows below its head; take a longer table', { file: name });
  const numeric = head
    .map((title, column) => ({ title: title.trim(), column }))
    .filter(({ column }) => rows[0][column]?.trim() !== '' && Number.isFinite(Number(rows[0][column])));
  if (numeric.length === 0)
    throw new ThroughtimeError('DATA_INVALID', 'has no column of numbers; separate columns by commas', { file: name, line: 2 });
  const numbers: Record<string, Float64Array> = {};
  for (const { title, column } of numeric) {
    numbers[title] = Float64Array.from(rows, (row, index) => {
      const value = row[column]?.trim() ? Number(row[column]) : Number.NaN;
      if (!Number.isFinite(value))
        throw new ThroughtimeError('DATA_INVALID', `is ${JSON.stringify(row[column])}, not a number`, {
          file: name,
          line: index + 2,
          field: title,
        });
      return value;
    });
  }
  const inputs = numeric.map(({ title }) => title);
  const lines = rows.map((_, index) => index + 2);
  return tableData(
    { file: name, lines, numbers, texts: {} },
    { kind: 'table', inputs, target: inputs[inputs.length - 1], window, horizon },
  );
}
