import type { VerdictKind } from '../../src/diagnosis/verdict/verdict.ts';
import type { Outcome } from './trial.ts';

/** What is kept of a judged training. */
export interface Calibrated extends Omit<Outcome, 'diagnosis' | 'measured' | 'looks'> {
  readonly gradientHorizon: number | null;
  readonly dataHorizon: number;
  readonly dataOutcome: string;
  readonly loss: { readonly model: number | null; readonly constant: number | null; readonly reference: number | null };
  readonly evidence: Readonly<Record<string, number | string | null>>;
}

const kinds: readonly VerdictKind[] = [
  'exploding',
  'vanishing',
  'truncated',
  'hard-task',
  'no-long-range-dependency',
  'healthy',
  'inconclusive',
];
const sound: ReadonlySet<VerdictKind | null> = new Set(['no-long-range-dependency', 'healthy']);

/** The rules that others go by, as far as they are written down; each says only whether the gradient vanishes. */
const rules: readonly (readonly [name: string, vanishes: (outcome: Calibrated) => boolean])[] = [
  ['this judge', ({ verdict }) => verdict === 'vanishing'],
  ['mean of all gradient entries below 1e-7', ({ meanGradient }) => Number.isFinite(meanGradient) && meanGradient < 1e-7],
  [
    'first step over last step below 1e-3, and low accuracy',
    ({ firstLastRatio, accuracyLow }) => Number.isFinite(firstLastRatio) && firstLastRatio < 1e-3 && accuracyLow,
  ],
];

const share = (part: number, whole: number) => `${part} of ${whole} (${((100 * part) / whole).toFixed(1)}%)`;

/** The part of docs/diagnosis.md that the results make. */
export function section(outcomes: readonly Calibrated[]): string {
  const decided = outcomes.filter(({ truth }) => truth !== null);
  const count = (truth: VerdictKind, verdict: VerdictKind) =>
    decided.filter((each) => each.truth === truth && each.verdict === verdict).length;
  const right = decided.filter(({ truth, verdict }) => truth === verdict).length;
  const called = decided.filter(({ truth, verdict }) => sound.has(truth) === sound.has(verdict)).length;
  const falseVanishing = decided.filter(({ truth, verdict }) => verdict === 'vanishing' && truth !== 'vanishing').length;
  const families = new Set(decided.map(({ family }) => family)).size;
  const row = (truth: VerdictKind) => `| ${truth} | ${kinds.map((verdict) => count(truth, verdict) || '').join(' | ')} |`;
  const open = outcomes.length - decided.length;
  const rule = ([name, vanishes]: (typeof rules)[number]) => {
    const good = decided.filter((each) => vanishes(each) === (each.truth === 'vanishing')).length;
    const missed = decided.filter((each) => each.truth === 'vanishing' && !vanishes(each)).length;
    const alarms = decided.filter((each) => each.truth !== 'vanishing' && vanishes(each)).length;
    return `| ${name} | ${missed} | ${alarms} | ${share(good, decided.length)} |`;
  };
  const wrong = decided.filter(({ truth, verdict }) => truth !== verdict);
  return [
    `${decided.length} trainings of ${families} families that no threshold was chosen on; ${right} verdicts, ${((100 * right) / decided.length).toFixed(1)}%, are right, and`,
    `${share(called, decided.length)} are right about whether anything should be done. False \`vanishing\`: ${falseVanishing}. ${open} more trainings were made whose truth the`,
    'controls leave open, and are left out.',
    '',
    `| truth \\ verdict | ${kinds.join(' | ')} |`,
    `|---|${kinds.map(() => '---|').join('')}`,
    ...kinds.map(row),
    '',
    'Beside it, on the same trainings, two rules that are in use, which say only whether the gradient vanishes:',
    '',
    '| rule | vanishing missed | false alarms | right |',
    '|---|---|---|---|',
    ...rules.map(rule),
    '',
    ...(wrong.length > 0
      ? [
          'The verdicts that are not right:',
          '',
          ...wrong.map(
            ({ family, cell, lag, seed, truth, verdict, why }) =>
              `- ${family}, ${cell}, lag ${lag}, seed ${seed}: \`${verdict}\`, truth \`${truth}\` (${why})`,
          ),
          '',
        ]
      : []),
  ].join('\n');
}
