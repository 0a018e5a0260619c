import { effect } from '@preact/signals';
import { render } from 'preact';
import { App } from './app.tsx';
import { follow, runs } from './data/client.ts';
import { place, setPlace } from './data/place.ts';

follow();
// Where nothing is chosen, the newest run is looked at.
effect(() => {
  if (place.value.runs.length > 0 || runs.value.length === 0) return;
  const [newest] = [...runs.value].sort((a, b) => ((a.started ?? '') < (b.started ?? '') ? 1 : -1));
  setPlace({ runs: [newest.run] });
});
render(<App />, document.getElementById('page') as HTMLElement);
