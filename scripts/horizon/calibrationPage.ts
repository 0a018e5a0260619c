import { clopperPearson } from './clopperPearson.ts';

/** What came of one data set. */
export interface Measured {
  readonly part: string;
  readonly name: string;
  /** Which of the family's data sets. */
  readonly i: number;
  readonly truth: number;
  readonly horizon: number;
  readonly interval: readonly [number, number];
  readonly outcome: string;
  /** Held-out losses: the best that was reached, and of the best constant. */
  readonly loss: number | null;
  readonly constant: number | null;
  readonly sequences: number;
  readonly rows: number;
  readonly longest: number;
  readonly processorSeconds: number;
}

/** Too few cases, too many that repeat another one, or targets that are all the same: said to be so, and no answer. */
export interface Refused extends Pick<Measured, 'part' | 'name' | 'i' | 'truth'> {
  readonly refused: string;
}

/** The page of all that was measured. */
export function calibrationPage(all: readonly (Measured | Refused)[], alpha: number): string {
  const answered = all.filter((each) => 'horizon' in each);
  const of = (part: string) => answered.filter((each) => each.part === part);
  const refused = all.filter((each) => each.part === 'nulls').length - of('nulls').length;
  const [nulls, others, power] = [of('nulls'), of('others'), of('power')];
  return [
    '# The data horizon, measured',
    '',
    'Made by `npm run calibrate:horizon`, from `dataHorizon.ndjson`, which has a line for each data set. What the families are is in',
    '`scripts/horizon/families.ts`.',
    '',
    '## False alarms',
    '',
    `A horizon above the truth, at alpha = ${alpha}: **${rate(nulls)}**. ${extent(nulls)}`,
    `${refused} more were refused, with a sentence, as most of their sequences repeat another one, or all targets are the same.`,
    '',
    ...alarms(nulls),
    '',
    `What could fool such a test, at alpha = ${alpha}: ${rate(others)}. ${extent(others)}`,
    '',
    ...(others.length > 0 ? [...alarms(others), ''] : []),
    '## What is found',
    '',
    `3,000 sequences, alpha = ${alpha}, one data set each. Seconds are of one processor of a machine that was shared with other work, planted`,
    'dependences included. The losses are held out: the best that was reached, and of the best constant.',
    '',
    '| data | truth | horizon | interval | best loss | constant | seconds |',
    '|---|---|---|---|---|---|---|',
    ...power.map(
      ({ name, truth, horizon, interval: [low, high], loss, constant, processorSeconds }) =>
        `| ${name} | ${truth} | ${horizon} | ${low === high ? low : `${low}-${high}`} | ${loss?.toPrecision(3)} | ${constant?.toPrecision(3)} | ${processorSeconds.toFixed(1)} |`,
    ),
    '',
  ].join('\n');
}

function rate(each: readonly Measured[]): string {
  if (each.length === 0) return 'not measured yet';
  const longer = each.filter(({ horizon, truth }) => horizon > truth).length;
  const [low, high] = clopperPearson(longer, each.length, 0.95).map((value) => `${(100 * value).toFixed(2)}%`);
  return `${longer} of ${each.length} (95% interval, Clopper and Pearson's, ${low} to ${high})`;
}

/** How large the data sets were. */
function extent(each: readonly Measured[]): string {
  if (each.length === 0) return '';
  const range = (values: readonly number[]) => `${Math.min(...values)} to ${Math.max(...values)}`;
  const [sequences, longest, rows] = (['sequences', 'longest', 'rows'] as const).map((key) => range(each.map((one) => one[key])));
  return `Each of ${sequences} sequences, windows of up to ${longest} inputs and ${rows} targets, drawn anew for every data set.`;
}

const alarms = (each: readonly Measured[]) => [
  '| data | truth | data sets | horizon too long | exactly the truth | too short |',
  '|---|---|---|---|---|---|',
  ...[...new Set(each.map(({ name }) => name))].map((name) => {
    const family = each.filter((one) => one.name === name);
    const count = (which: (one: Measured) => boolean) => family.filter(which).length;
    const [longer, exact, shorter] = [
      count(({ horizon, truth }) => horizon > truth),
      count(({ horizon, truth }) => horizon === truth),
      count(({ horizon, truth }) => horizon < truth),
    ];
    return `| ${name} | ${family[0].truth} | ${family.length} | ${longer} | ${exact} | ${shorter} |`;
  }),
];
