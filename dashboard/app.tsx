import { connected, runs } from './data/client.ts';
import { place, setPlace } from './data/place.ts';
import { theme } from './data/theme.ts';
import { Many } from './panel/many.tsx';
import { Panels } from './panel/panels.tsx';
import { shownRuns } from './panel/shown.ts';
import { Runs } from './runs.tsx';

/** The page: the runs at the left, their panels beside. */
export function App() {
  const shown = shownRuns();
  const { panel, range, many } = place.value;
  return (
    <div class="page">
      <header class="top">
        <h1>throughtime</h1>
        <span class="status" role="status">
          {connected.value ? '' : 'The server is not heard; what is shown may be old.'}
        </span>
        <nav class="tools" aria-label="Page">
          {(many || runs.value.length > 1) && (
            <button type="button" onClick={() => setPlace({ many: many ? undefined : true, panel: undefined })}>
              {many ? 'single runs' : 'all together'}
            </button>
          )}
          {range && !many && (
            <button type="button" onClick={() => setPlace({ range: undefined })}>
              all updates
            </button>
          )}
          {panel && (
            <button type="button" onClick={() => setPlace({ panel: undefined })}>
              all panels
            </button>
          )}
          <a class="button" href="lab/">
            lab
          </a>
          <button
            type="button"
            onClick={() => {
              theme.value = theme.value === 'dark' ? 'light' : 'dark';
            }}
          >
            {theme.value === 'dark' ? 'light' : 'dark'}
          </button>
        </nav>
      </header>
      <Runs />
      <main class="panels">
        {many && <Many />}
        {!many && shown.length === 0 && (
          <p class="empty">
            {runs.value.length === 0 ? 'There is no run here yet. One appears as soon as its training begins.' : 'Choose a run.'}
          </p>
        )}
        {!many && shown.length > 0 && <Panels shown={shown} />}
      </main>
    </div>
  );
}
