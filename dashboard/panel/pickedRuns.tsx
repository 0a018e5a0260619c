import type { TrialState, TrialsAnswer } from '../../src/server/answers.ts';
import { setPlace } from '../data/place.ts';
import { Panel } from './panel.tsx';
import { Scroll } from './scroll.tsx';
import { picked, sayMetric, sayResult, shortNames } from './trials.ts';

/** Runs that are listed, and that are looked at side by side. */
const [listed, together] = [200, 10];

/** The runs that were chosen in a picture, the best first; of all, where none was. */
export function PickedRuns({ trials }: { trials: TrialsAnswer }) {
  const chosen = picked.value;
  const names = chosen && new Set(chosen.names);
  const runs = trials.runs.filter(({ run }) => !names || names.has(run)).sort(ranked(trials.better));
  const labels = shortNames(trials.fields.map(({ field }) => field));
  const show = (of: readonly string[]) => setPlace({ runs: of, many: undefined, panel: undefined, range: undefined, look: undefined });
  const controls = (
    <>
      {chosen && (
        <button
          type="button"
          class="tool"
          onClick={() => {
            picked.value = undefined;
          }}
        >
          list all
        </button>
      )}
      {runs.length > 1 && (
        <button type="button" class="tool" onClick={() => show(runs.slice(0, together).map(({ run }) => run))}>
          {runs.length <= together ? 'open all' : `open the first ${together}`}
        </button>
      )}
    </>
  );
  return (
    <Panel id="picked" title={`${runs.length} ${runs.length === 1 ? 'run' : 'runs'}`} about={chosen?.by} wide controls={controls}>
      <Scroll label="Chosen runs">
        <table class="listed">
          <thead>
            <tr>
              <th scope="col">run</th>
              <th scope="col">{sayMetric(trials)}</th>
              <th scope="col">verdict</th>
              {labels.map((label, index) => (
                <th key={trials.fields[index].field} scope="col" title={trials.fields[index].field}>
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {runs.slice(0, listed).map((run) => (
              <tr key={run.run}>
                <th scope="row">
                  <button type="button" class="tool" aria-label={`Open ${run.run}`} onClick={() => show([run.run])}>
                    {run.run}
                  </button>
                </th>
                <td class={run.failed ? 'problem' : ''}>{sayResult(run)}</td>
                <td>{run.verdict ?? '–'}</td>
                {trials.fields.map(({ field, values }, index) => (
                  <td key={field}>{values[run.at[index]]}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {runs.length > listed && <p class="note">The first {listed} are listed.</p>}
    </Panel>
  );
}

const ranked = (better: TrialsAnswer['better']) => (a: TrialState, b: TrialState) => {
  if (a.result === null || b.result === null) return Number(a.result === null) - Number(b.result === null);
  return better === 'lower' ? a.result - b.result : b.result - a.result;
};
