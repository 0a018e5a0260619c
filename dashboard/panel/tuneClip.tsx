import type { TuneClip } from '../../src/server/answers.ts';
import { type Figure, figureCsv, type Rule } from '../chart/figure.ts';
import { LineChart } from '../chart/lineChart.tsx';
import { percent, short } from '../data/numbers.ts';
import { cursor } from '../data/place.ts';
import { palette } from '../data/theme.ts';
import { Panel } from './panel.tsx';
import { Scroll } from './scroll.tsx';
import { detailsOf, type Shown } from './shown.ts';

/** What the search for a threshold found: the curve it was made on, the threshold in it, and what was tried. */
export function TuneClipPanel({ shown }: { shown: readonly Shown[] }) {
  const found = detailsOf(shown[0])?.tuneClip;
  return found ? <Found {...found} /> : null;
}

function Found({ threshold, curve, tried, explodesWithout }: TuneClip) {
  const { bad, curves } = palette.value;
  const rules: Rule[] =
    typeof threshold === 'number' ? [{ axis: 'y', at: threshold, label: `threshold ${short(threshold)}`, colour: bad }] : [];
  const numbers = curve.map((each) => (typeof each === 'number' ? each : null));
  const summary =
    typeof threshold === 'number'
      ? `The highest threshold that overcomes the explosion is ${short(threshold)}.`
      : explodesWithout
        ? 'No threshold that was tried is known to be stable.'
        : 'No threshold is needed: nothing explodes without a clip.';
  const figure: Figure = {
    x: { label: 'update', kind: 'linear' },
    y: { label: '‖g‖₂', kind: 'log' },
    series: [{ name: 'before clipping', colour: curves[0], x: numbers.map((_, index) => index + 1), y: numbers, width: 1.3 }],
    ...{ rules, summary },
  };
  return (
    <Panel id="tune-clip" title="Choice of the threshold" about={summary} csv={() => figureCsv(figure)}>
      <LineChart figure={figure} name="Choice of the threshold" cursor={cursor} say={(value) => short(value)} />
      <details>
        <summary>{tried.length} thresholds were tried</summary>
        <Scroll label="Thresholds that were tried">
          <table>
            <thead>
              <tr>
                <th scope="col">threshold</th>
                <th scope="col">outcome</th>
                <th scope="col">clips</th>
                <th scope="col">why</th>
              </tr>
            </thead>
            <tbody>
              {tried.map((each, index) => (
                <tr key={index}>
                  <th scope="row">{typeof each.threshold === 'number' ? short(each.threshold) : 'none'}</th>
                  <td>{each.stable ? 'stable' : 'not stable'}</td>
                  <td>{typeof each.clippedFraction === 'number' ? percent(each.clippedFraction) : '–'}</td>
                  <td>{String(each.why)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </details>
    </Panel>
  );
}
