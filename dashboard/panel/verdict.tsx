import type { Verdict } from '../../src/server/answers.ts';
import { short, whole } from '../data/numbers.ts';
import { Panel } from './panel.tsx';
import { Scroll } from './scroll.tsx';
import { detailsOf, type Shown } from './shown.ts';

const healthy = new Set(['healthy', 'no-long-range-dependency']);

/** The verdict of each run, with its findings, their evidence, and what they prescribe. */
export function VerdictPanel({ shown }: { shown: readonly Shown[] }) {
  const judged = shown.flatMap((run) => {
    const verdict = detailsOf(run)?.verdict;
    return verdict ? [{ run, verdict }] : [];
  });
  if (judged.length === 0) return null;
  return (
    <Panel id="verdict" title="Verdict" wide>
      <div class="verdicts">
        {judged.map(({ run, verdict }) => (
          <OneVerdict key={run.state.run} verdict={verdict} label={shown.length > 1 ? run.label : undefined} />
        ))}
      </div>
    </Panel>
  );
}

function OneVerdict({ verdict, label }: { verdict: Verdict; label?: string }) {
  const { verdict: name, findings, gradientHorizon, dataHorizon, dataOutcome } = verdict;
  const well = verdict.sick === undefined ? healthy.has(name) : !verdict.sick;
  return (
    <article class="verdict">
      {label && <p class="detail">{label}</p>}
      <h3 class={well ? 'well' : name === 'inconclusive' ? '' : 'sick'}>{name}</h3>
      <dl>
        {typeof gradientHorizon === 'number' && <Fact name="gradient horizon" value={`lag ${whole(gradientHorizon)}`} />}
        {typeof dataHorizon === 'number' && <Fact name="data horizon" value={`${whole(dataHorizon)} inputs`} />}
        {dataOutcome && <Fact name="data" value={dataOutcome} />}
        {Object.entries(verdict.loss ?? {}).map(
          ([key, value]) => typeof value === 'number' && <Fact key={key} name={`loss, ${key}`} value={short(value)} />,
        )}
      </dl>
      {findings.map(({ kind, because, evidence, prescription }, index) => (
        <section key={`${kind}-${index}`} class="finding">
          <p>
            {kind !== name && <b>{kind}: </b>}
            {because}
          </p>
          {evidence && Object.keys(evidence).length > 0 && (
            <details>
              <summary>evidence</summary>
              <Scroll label={`Evidence of ${kind}`}>
                <pre>{JSON.stringify(evidence, null, 1)}</pre>
              </Scroll>
            </details>
          )}
          {prescription && prescription.length > 0 && (
            <ul class="prescription">
              {prescription.map(({ set, why }) => (
                <li key={JSON.stringify(set)}>
                  {Object.entries(set ?? {}).map(([field, value]) => (
                    <code key={field}>{`--set ${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`}</code>
                  ))}{' '}
                  {why}
                </li>
              ))}
            </ul>
          )}
        </section>
      ))}
    </article>
  );
}

export function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
