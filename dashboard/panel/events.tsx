import { whole } from '../data/numbers.ts';
import { setPlace } from '../data/place.ts';
import { Panel } from './panel.tsx';
import { Scroll } from './scroll.tsx';
import { detailsOf, type Shown } from './shown.ts';

/** Events that are listed. */
const listed = 200;

/** What happened in the run in focus beside its updates, the newest first. */
export function Events({ shown }: { shown: readonly Shown[] }) {
  const [run] = shown;
  const details = detailsOf(run);
  if (!details || details.eventCount === 0) return null;
  const events = details.events.slice(-listed).reverse();
  return (
    <Panel id="events" title={`Events: ${whole(details.eventCount)}`} wide>
      <Scroll label="Events">
        <table>
          <thead>
            <tr>
              <th scope="col">update</th>
              <th scope="col">sign</th>
              <th scope="col">done</th>
              <th scope="col">because</th>
            </tr>
          </thead>
          <tbody>
            {events.map(({ update, kind, action, because }, index) => (
              <tr key={index}>
                <th scope="row">
                  <button
                    type="button"
                    class="tool"
                    aria-label={`Zoom to update ${update}`}
                    onClick={() => setPlace({ range: [Math.max(1, update - 50), Math.min(run.state.updates, update + 50)] })}
                  >
                    {whole(update)}
                  </button>
                </th>
                <td>{kind}</td>
                <td>{action}</td>
                <td>{because}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}
