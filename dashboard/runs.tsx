import type { RunState } from '../src/server/answers.ts';
import { cut, runs } from './data/client.ts';
import { percent, short, whole } from './data/numbers.ts';
import { place, setPlace } from './data/place.ts';
import { shownRuns } from './panel/shown.ts';

/** The list of runs: one is looked at by choosing it, several by their boxes. */
export function Runs() {
  const shown = new Map(shownRuns().map(({ state, colour }) => [state.run, colour]));
  return (
    <nav class="runs" aria-label="Runs">
      <h2>Runs</h2>
      {cut.value && <p class="note problem">There are more than these {whole(runs.value.length)}; name a folder with fewer of them.</p>}
      <ul>
        {runs.value.map((state) => (
          <Run key={state.run} state={state} colour={shown.get(state.run)} />
        ))}
      </ul>
    </nav>
  );
}

function Run({ state, colour }: { state: RunState; colour: string | undefined }) {
  const { run, name, status, updates, planned, loss, validationLoss, verdict, problem } = state;
  const names = place.value.runs;
  const share = planned > 0 ? updates / planned : 0;
  const label = run === '.' ? name : run;
  return (
    <li class={colour ? 'chosen' : ''}>
      <input
        type="checkbox"
        aria-label={`Show ${label} with others`}
        checked={colour !== undefined}
        style={{ accentColor: colour }}
        onChange={(event) => setPlace({ runs: event.currentTarget.checked ? [...names, run] : names.filter((each) => each !== run) })}
      />
      <button
        type="button"
        class="run"
        aria-current={names[0] === run ? 'true' : undefined}
        onClick={() => setPlace({ runs: [run], range: undefined, look: undefined, many: undefined })}
      >
        <span class="name">{label}</span>
        <span class="detail">
          <i class={`dot ${status}`} aria-hidden="true" />
          {status === 'running' ? `running, ${percent(share)}` : status} · {whole(updates)} updates
        </span>
        <span class="detail">
          loss {short(loss)}
          {validationLoss !== null && `, validation ${short(validationLoss)}`}
        </span>
        {verdict && <span class="detail">{verdict}</span>}
        {problem && <span class="detail problem">{problem}</span>}
      </button>
      {status === 'running' && <progress max="1" value={share} aria-label={`Progress of ${label}`} />}
    </li>
  );
}
