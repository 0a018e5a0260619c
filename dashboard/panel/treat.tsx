import { short } from '../data/numbers.ts';
import { Panel } from './panel.tsx';
import { Scroll } from './scroll.tsx';
import { detailsOf, type Shown } from './shown.ts';

const said = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const number = (value: unknown) => (typeof value === 'number' ? short(value) : '–');

/** The remedies that were tried on a run, beside what it was before. */
export function TreatPanel({ shown }: { shown: readonly Shown[] }) {
  const found = detailsOf(shown[0])?.treat;
  if (!found) return null;
  const { before, tried, best } = found;
  return (
    <Panel id="treat" title="Treatment" wide>
      <Scroll label="Remedies that were tried">
        <table>
          <thead>
            <tr>
              <th scope="col">change</th>
              <th scope="col">verdict</th>
              <th scope="col">loss</th>
              <th scope="col">seconds</th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">none, as it was</th>
              <td>{said(before.verdict ?? '–')}</td>
              <td>{number(before.loss)}</td>
              <td>–</td>
            </tr>
            {tried.map((each, index) => (
              <tr key={index} class={said(each.change) === said(best) ? 'best' : undefined}>
                <th scope="row">{said(each.change)}</th>
                <td>{said(each.verdict)}</td>
                <td>{number(each.loss)}</td>
                <td>{number(each.seconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}
