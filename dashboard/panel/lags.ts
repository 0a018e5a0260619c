import type { RunAnswer } from '../../src/server/answers.ts';
import type { Rule } from '../chart/figure.ts';
import { whole } from '../data/numbers.ts';
import { palette } from '../data/theme.ts';

/** The horizons and the window of a run, as lines at a lag. */
export function lagRules({ record, dataHorizon, gradientHorizon }: RunAnswer, axis: Rule['axis']): Rule[] {
  const { good, bad, accent } = palette.value;
  const rules: Rule[] = [];
  // A data horizon of w inputs needs lag w - 1.
  if (dataHorizon && dataHorizon.horizon > 0) {
    const known = dataHorizon.from === 'task' ? ', known of the task' : '';
    rules.push({ axis, at: dataHorizon.horizon - 1, label: `data horizon ${whole(dataHorizon.horizon)}${known}`, colour: good });
  }
  if (gradientHorizon && gradientHorizon.horizon >= 0) {
    const { horizon, atLeast } = gradientHorizon;
    rules.push({
      axis,
      at: horizon,
      label: `gradient horizon ${atLeast ? 'at least ' : ''}${whole(horizon)}`,
      colour: accent,
      dash: '6 3',
    });
  }
  const bptt: unknown = record?.experiment.training.bptt;
  if (typeof bptt === 'object' && bptt !== null && 'k2' in bptt) {
    rules.push({ axis, at: Number(bptt.k2) - 1, label: `window ${whole(Number(bptt.k2))}`, colour: bad, dash: '2 3' });
  }
  return rules;
}
