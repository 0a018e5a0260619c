import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { LineChart } from '../chart/lineChart.tsx';
import { percent, short, shortPower } from '../data/numbers.ts';
import { palette, theme } from '../data/theme.ts';
import { Controls } from './controls.tsx';
import { gradientNorms, lagProfiles, learningCurve } from './figures.ts';
import { lessons } from './lesson/lessons.ts';
import { Moment } from './moment.tsx';
import type { Progress } from './runner.ts';
import type { Setup } from './setup.ts';
import { change, changeNetwork, choose, cursor, file, lagCursor, lesson, ran, run, runner, setup } from './state.ts';
import { Unrolled } from './unrolled.tsx';

/** The largest file that is read, in bytes. */
const largestFile = 2 ** 26;

/** The lab: a lesson, its experiment, and what comes of it. */
export function Page() {
  const over = useSignal(false);
  const problem = useSignal('');
  const take = async (dropped: File | undefined) => {
    if (!dropped) return;
    problem.value = dropped.size > largestFile ? `${dropped.name} has more than 64 MiB, which is the most that is read here.` : '';
    if (problem.value) return;
    file.value = { name: dropped.name, content: await dropped.text() };
    change({ task: 'file' });
    // A text is one long stream, of which a window at a time is learned from.
    if (!/\.(ndjson|jsonl|csv)$/i.test(dropped.name))
      for (const [index, { window }] of setup.value.networks.entries()) if (window === 0) changeNetwork(index, { window: 40 });
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a file can be chosen by the button below, too
    <div
      class={`page${over.value ? ' over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        over.value = true;
      }}
      onDragLeave={() => {
        over.value = false;
      }}
      onDrop={(event) => {
        event.preventDefault();
        over.value = false;
        void take(event.dataTransfer?.files[0]);
      }}
    >
      <header class="top">
        <h1>throughtime lab</h1>
        <span class="status" role="status">
          {problem.value}
        </span>
        <nav class="tools" aria-label="Page">
          <label class="button">
            open a file
            <input
              type="file"
              class="hidden"
              accept=".ndjson,.jsonl,.csv,.txt,.md"
              onChange={(event) => void take(event.currentTarget.files?.[0])}
            />
          </label>
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
      <LessonText />
      <main class="panels">
        <Controls />
        <Outcome />
        {runner.progress.value.length > 0 ? (
          <>
            <Unrolled />
            <Charts />
          </>
        ) : (
          <p class="empty">Press run: both networks are trained here, in this browser, in a few seconds.</p>
        )}
      </main>
    </div>
  );
}

function LessonText() {
  const { id, title, text, question, answer } = lesson.value;
  const progress = runner.progress.value;
  const said = ran.value && ran.value.task !== 'file' ? answer(ran.value, progress) : undefined;
  return (
    <aside class="lesson" aria-label="Lessons">
      <ol>
        {lessons.map((each) => (
          <li key={each.id}>
            <button type="button" aria-current={each.id === id ? 'step' : undefined} onClick={() => choose(each.id)}>
              {each.title}
            </button>
          </li>
        ))}
      </ol>
      <article>
        <h2>{title}</h2>
        {text.map((paragraph) => (
          <p key={paragraph}>{paragraph}</p>
        ))}
        <h3>Try</h3>
        <p>{question}</p>
        <p class={`answer${said?.done ? ' done' : ''}`} role="status">
          {said?.text ?? ''}
        </p>
      </article>
      <p class="note">
        A file of yours (.ndjson sequences, a .csv table, or a text) can be dropped anywhere. It is read by this page and goes nowhere else.
        The address holds the whole experiment.
      </p>
    </aside>
  );
}

/** How each side stands, in a line. */
function Outcome() {
  return (
    <div class="outcome" role="status">
      {runner.progress.value.map((each, index) => (
        <p key={index} class={each.status === 'failed' ? 'problem' : ''}>
          <i class="swatch" style={{ background: palette.value.curves[index] }} aria-hidden="true" />
          <b>{'AB'[index]}</b> {wordsOf(each)}
        </p>
      ))}
    </div>
  );
}

function wordsOf({ status, updates, evaluations, begun, seconds, because, nonFinite }: Progress): string {
  if (status === 'failed') return because ?? 'failed';
  const last = evaluations.at(-1);
  const metric =
    last && (last.metric.name === 'accuracy' ? `accuracy ${percent(last.metric.value)}` : `validation loss ${short(last.loss)}`);
  const against = last && begun && last.metric.name !== 'accuracy' ? ` (best constant ${short(begun.constant)})` : '';
  const failed = nonFinite > 0 ? `, ${nonFinite} updates not finite` : '';
  const state = status === 'done' ? `done in ${short(seconds)} s` : status;
  return [state, `${updates.length.toLocaleString('en-US')} updates`, metric && `${metric}${against}`].filter(Boolean).join(', ') + failed;
}

function Card({ title, children, controls }: { title: string; children: ComponentChildren; controls?: ComponentChildren }) {
  return (
    <section class="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {controls}
      </header>
      {children}
    </section>
  );
}

function Charts() {
  const progress = runner.progress.value;
  const shown: Setup = ran.value ?? setup.value;
  const colours = palette.value;
  const dragged = useSignal<number | undefined>(undefined);
  // The threshold that can be dragged is that of the last network that has one.
  const dragging = shown.networks.findLastIndex(({ clip }) => clip > 0);
  const clips = shown.networks.map(({ clip }, index) => (index === dragging ? (dragged.value ?? clip) : clip));
  return (
    <>
      <Card title="Learning curve">
        <LineChart
          figure={learningCurve(progress, colours)}
          name="Learning curve"
          height={230}
          cursor={cursor}
          say={(value) => short(value)}
        />
      </Card>
      <Card title="Gradient norm">
        <LineChart
          figure={gradientNorms(progress, shown, clips, colours)}
          name="Gradient norm"
          height={230}
          cursor={cursor}
          say={(value) => short(value)}
          drag={
            dragging < 0
              ? undefined
              : {
                  at: clips[dragging],
                  moved: (at) => {
                    dragged.value = at;
                  },
                  dropped: (at) => {
                    dragged.value = undefined;
                    setup.value = shown;
                    changeNetwork(dragging, { clip: Number(Math.min(at, 1e6).toPrecision(3)) });
                    run();
                  },
                }
          }
        />
        {dragging >= 0 && <p class="note">The threshold of {'AB'[dragging]} can be dragged; the training then begins again with it.</p>}
      </Card>
      <Card title="Lag profile" controls={<Moment />}>
        <LineChart
          figure={lagProfiles(progress, shown, colours)}
          name="Lag profile"
          height={250}
          cursor={lagCursor}
          say={(value) => shortPower(value)}
        />
      </Card>
      <Card title="What happened">
        <ul class="events">
          {progress.flatMap(({ events }, index) =>
            events.slice(0, 6).map((text) => (
              <li key={`${index}${text}`}>
                <b>{'AB'[index]}</b> {text}
              </li>
            )),
          )}
        </ul>
        {progress.every(({ events }) => events.length === 0) && <p class="note">No sign of an explosion or of an unstable curve so far.</p>}
      </Card>
    </>
  );
}
