import { percent, short, whole } from '../data/numbers.ts';
import { Panel } from './panel.tsx';
import { Scroll } from './scroll.tsx';
import { detailsOf, type Shown } from './shown.ts';

/** The fields of an experiment by their paths. */
function fieldsOf(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, each] of Object.entries(value)) fieldsOf(each, path === '' ? key : `${path}.${key}`, into);
  } else into.set(path, typeof value === 'string' ? value : JSON.stringify(value));
  return into;
}

/** Several runs beside each other: how they ended, and in which fields their experiments differ. */
export function Compare({ shown }: { shown: readonly Shown[] }) {
  const details = shown.map((run) => detailsOf(run));
  const fields = details.map((each) => fieldsOf(each?.record?.experiment));
  const paths = [...new Set(fields.flatMap((each) => [...each.keys()]))].filter(
    (path) => path !== 'name' && new Set(fields.map((each) => each.get(path))).size > 1,
  );
  const result = (index: number) =>
    details[index]?.record?.result as { clippedFraction?: number; loss?: { validation?: number | null } } | undefined;
  const rows: [string, (run: Shown, index: number) => string][] = [
    ['status', ({ state }) => state.status],
    ['verdict', ({ state }) => state.verdict ?? '–'],
    ['updates', ({ state }) => whole(state.updates)],
    ['training loss', ({ state }) => short(state.loss)],
    ['validation loss', ({ state }) => short(state.validationLoss)],
    ['clipped', (_, index) => percent(result(index)?.clippedFraction)],
    [
      'gradient horizon',
      (_, index) =>
        details[index]?.gradientHorizon
          ? `${details[index].gradientHorizon.atLeast ? '≥ ' : ''}${details[index].gradientHorizon.horizon}`
          : '–',
    ],
    ...paths.map((path): [string, (run: Shown, index: number) => string] => [path, (_, index) => fields[index].get(path) ?? '–']),
  ];
  return (
    <Panel id="compare" title="Side by side" wide>
      <Scroll label="Runs side by side">
        <table>
          <thead>
            <tr>
              <th scope="col">run</th>
              {shown.map(({ state, label, colour }) => (
                <th key={state.run} scope="col">
                  <i class="swatch" style={{ background: colour }} aria-hidden="true" />
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {shown.map((run, index) => (
                  <td key={run.state.run}>{value(run, index)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}
