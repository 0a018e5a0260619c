import type { Diagnosis } from '../diagnosis/diagnose.ts';
import { newest } from '../diagnosis/verdict/words.ts';
import { lagPlot } from './lagPlot.ts';
import { duration, short } from './numbers.ts';
import { wrapped } from './wrapped.ts';

/**
 * What `diagnose` prints for people: the verdict, why, what to do, and where the gradient goes. One screen.
 *
 * @param experiment the file whose fields can be set, where it was one that was diagnosed.
 */
export function diagnosisScreen(diagnosis: Diagnosis, experiment: string | null): string {
  const { verdict, findings, sick, loss, lagProfile: profile, cutShort, seconds, spent } = diagnosis;
  const [first, ...beside] = findings;
  const parts = Object.entries(spent).map(([part, each]) => `${part} ${duration(each)}`);
  return [
    '',
    `  ${verdict.toUpperCase()}${sick ? '' : '  (nothing to cure)'}`,
    '',
    ...wrapped(first.because),
    ...beside.flatMap(({ kind, because }) => ['', ...wrapped(`Beside it (${kind}): ${because}`)]),
    '',
    `  loss: ${short(loss.model)} of the network, ${short(loss.constant)} of a constant, ${short(loss.reference)} of the best predictor found`,
    `  ${horizons(diagnosis)}`,
    '',
    ...(profile.length > 1
      ? [
          '  log10 of ‖dL_t/ds_{t-k}‖ against the lag k; │ marks the oldest input that the data need',
          lagPlot(profile, markOf(diagnosis)),
          '',
        ]
      : []),
    ...cures(diagnosis, experiment),
    ...(cutShort.length > 0 ? wrapped(`The budget cut short: ${cutShort.join(', ')}. That is no evidence of anything.`) : []),
    `  ${duration(seconds)}: ${parts.join(', ')}.`,
    '',
  ].join('\n');
}

const markOf = ({ dataHorizon }: Diagnosis) => (dataHorizon > 0 ? dataHorizon - 1 : undefined);

function horizons({
  dataHorizon,
  dataInterval: [low, high],
  dataOutcome,
  reachedInputs,
  gradientHorizon,
  gradientHorizonAtLeast,
  usedInputs,
}: Diagnosis): string {
  const data =
    dataHorizon > 0
      ? `the newest ${dataHorizon}${low === high ? '' : ` (${low} to ${high})`}`
      : dataOutcome === 'none-larger-than'
        ? 'none'
        : 'unknown';
  // Where the window of the training ends before the longest lag that was measured, it is the window that says how far.
  const open = gradientHorizonAtLeast && reachedInputs !== null && reachedInputs[1] > (gradientHorizon ?? 0);
  const reach = reachedInputs === null ? 'unknown' : `${newest(reachedInputs)}${open ? ' or more' : ''}`;
  const used = usedInputs === null ? 'unknown' : usedInputs === 0 ? 'none' : `at least the newest ${usedInputs}`;
  return `inputs: the data need ${data}; the gradient reaches ${reach}; the network uses ${used}`;
}

function cures({ findings }: Diagnosis, experiment: string | null): string[] {
  const cures = findings[0].prescription.slice(0, 3);
  if (cures.length === 0) return [];
  const lines = cures.flatMap(({ set, why }) => [
    `    ${Object.entries(set)
      .map(([field, value]) => `--set ${argument(`${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`)}`)
      .join(' ')}`,
    ...wrapped(`${why}.`, '        '),
  ]);
  const where = experiment === null ? 'in its experiment' : `with throughtime diagnose ${experiment}`;
  return [`  What to try, ${where}:`, ...lines, ''];
}

/** As a shell takes it. */
const argument = (text: string) => (/^[\w.=+-]+$/.test(text) ? text : `'${text}'`);
