import { place, setPlace } from '../data/place.ts';
import { Choice } from './choice.tsx';
import { Grid } from './grid.tsx';
import { Parallel } from './parallel.tsx';
import { PickedRuns } from './pickedRuns.tsx';
import { picked, trialsOf } from './trials.ts';

/** All runs of a folder together: what they came to against the fields in which they differ. */
export function Many() {
  const trials = trialsOf();
  const { panel, under = '' } = place.value;
  if (!trials) return null;
  const seen = (id: string) => panel === undefined || panel === id;
  const { folders, metrics, metric, fields, runs } = trials;
  const named = folders.some(({ folder }) => folder === under) ? folders : [...folders, { folder: under, runs: runs.length }];
  return (
    <>
      <section class="choices" aria-label="Which runs">
        <Choice
          label="runs of"
          value={under}
          options={named.map(({ folder, runs: count }) => [folder, `${folder === '' ? 'all folders' : folder} (${count})`])}
          onChange={(value) => {
            picked.value = undefined;
            setPlace({ under: value === '' ? undefined : value, x: undefined, y: undefined });
          }}
        />
        {metrics.length > 0 && (
          <Choice
            label="result"
            value={metric}
            options={[...new Set([metric, ...metrics])].sort().map((each) => [each, each])}
            onChange={(value) => {
              picked.value = undefined;
              setPlace({ metric: value });
            }}
          />
        )}
      </section>
      {fields.length === 0 && <p class="empty">These runs do not differ, so that there is nothing to set them against.</p>}
      {fields.length > 0 && seen('grid') && <Grid trials={trials} />}
      {fields.length > 0 && seen('parallel') && <Parallel trials={trials} />}
      {seen('picked') && <PickedRuns trials={trials} />}
    </>
  );
}
