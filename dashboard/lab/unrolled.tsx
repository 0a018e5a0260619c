import { scaleLinear } from 'd3-scale';
import { useEffect, useState } from 'preact/hooks';
import { font } from '../chart/axes.tsx';
import { useWidth } from '../chart/width.ts';
import { shortPower } from '../data/numbers.ts';
import { palette } from '../data/theme.ts';
import { Moment } from './moment.tsx';
import type { Progress } from './runner.ts';
import { nameOf } from './setup.ts';
import { moment, ran, runner, shownLook, stepsBack } from './state.ts';

/** Nodes that are drawn at most; of longer sequences every second, third, ... step. */
const mostNodes = 72;
const rowHeight = 96;
/** Decades below lag 0 at which a step is drawn as empty. */
const faintest = -10;
/** Milliseconds that the gradient takes through the picture, and that it then rests. */
const [sweep, rest] = [2600, 1400];

const still = matchMedia('(prefers-reduced-motion: reduce)');

/** The unrolled network of each side, and the gradient on its way back through it. */
export function Unrolled() {
  const { ref, width } = useWidth();
  const [playing, setPlaying] = useState(!still.matches);
  const progress = runner.progress.value;
  const networks = (ran.value ?? undefined)?.networks;
  const longest = Math.max(1, ...progress.map((each) => (profileOf(each)?.length ?? 1) - 1));
  useEffect(() => {
    if (!playing) return undefined;
    let [frame, begun] = [0, performance.now()];
    const next = (now: number) => {
      const at = (now - begun) / sweep;
      if (at > 1 + rest / sweep) {
        begun = now;
        if (!runner.busy) nextMoment();
      }
      stepsBack.value = Math.round(Math.min(1, at) * longest);
      frame = requestAnimationFrame(next);
    };
    frame = requestAnimationFrame(next);
    return () => cancelAnimationFrame(frame);
  }, [playing, longest]);
  const back = Math.min(stepsBack.value, longest);
  return (
    <section class="panel wide" aria-labelledby="unrolled-title">
      <header>
        <h2 id="unrolled-title">The gradient on its way back</h2>
        <div class="tools">
          <button type="button" class="tool" onClick={() => setPlaying(!playing)}>
            {playing ? 'pause' : 'play'}
          </button>
          <Moment />
          <label class="tool look">
            steps back
            <input
              type="range"
              min="0"
              max={longest}
              value={back}
              aria-valuetext={`${back} steps back`}
              onInput={(event) => {
                setPlaying(false);
                stepsBack.value = Number(event.currentTarget.value);
              }}
            />
            <span class="update">{back}</span>
          </label>
        </div>
      </header>
      <p class="about">
        Each dot is a step of the sequence, the newest at the right. The loss is there; from there the gradient goes back, and what is left
        of it colours each step that it reaches.
      </p>
      <div class="plot" ref={ref} style={{ height: `${Math.max(1, progress.length) * rowHeight + 20}px` }}>
        {width > 0 && (
          <svg
            width={width}
            height={Math.max(1, progress.length) * rowHeight + 20}
            role="img"
            aria-label={summaryOf(progress)}
            font-family={font}
            font-size="12"
          >
            {progress.map((each, index) => (
              <Row
                key={index}
                progress={each}
                name={`${'AB'[index]}: ${networks?.[index] ? nameOf(networks[index]) : ''}`}
                top={index * rowHeight}
                width={width}
                back={back}
                longest={longest}
              />
            ))}
            <Axis width={width} longest={longest} top={Math.max(1, progress.length) * rowHeight} />
          </svg>
        )}
      </div>
    </section>
  );
}

/** Moments of a finished training through which the picture goes, a sweep each. */
const moments = 6;

function nextMoment(): void {
  const last = Math.max(0, ...runner.progress.value.map(({ looks }) => looks.length)) - 1;
  if (last < 1) return;
  const passed = Math.round((shownLook.value / last) * (moments - 1));
  moment.value = Math.round((((passed + 1) % moments) / (moments - 1)) * last);
}

/** The profile at the moment that is shown. */
export const profileOf = ({ looks }: Progress) => looks[Math.min(shownLook.value, looks.length - 1)]?.profile;

/** What is left of the gradient at a lag, in decades: -Infinity is nothing, NaN is not finite; undefined where it has not been measured. */
function leftAt(progress: Progress, lag: number): number | undefined {
  const profile = profileOf(progress);
  const point = profile?.[Math.min(lag, profile.length - 1)];
  return profile && point ? point.meanLog10 - profile[0].meanLog10 : undefined;
}

function sayLeft(left: number | undefined): string {
  if (left === undefined) return '';
  if (left === -Infinity) return 'nothing of it is left';
  return Number.isFinite(left) ? `${shortPower(left)} of it` : 'it is not finite';
}

function summaryOf(progress: readonly Progress[]): string {
  const words = progress.map((each, index) => {
    const lag = (profileOf(each)?.length ?? 1) - 1;
    return `${'AB'[index]}: ${lag} steps back, ${sayLeft(leftAt(each, lag))}.`;
  });
  return `The unrolled network. ${words.join(' ')}`;
}

function Row({
  progress,
  name,
  top,
  width,
  back,
  longest,
}: {
  progress: Progress;
  name: string;
  top: number;
  width: number;
  back: number;
  longest: number;
}) {
  const colours = palette.value;
  const colour = scaleLinear<string>(
    colours.heat.map((_, index, { length }) => faintest - (faintest * index) / (length - 1)),
    [...colours.heat],
  ).clamp(true);
  const grown = scaleLinear<string>([0, 3], [colours.heat[colours.heat.length - 1], colours.bad]).clamp(true);
  const every = Math.max(1, Math.ceil((longest + 1) / mostNodes));
  const lags = Array.from({ length: Math.floor(longest / every) + 1 }, (_, index) => index * every);
  const [left, right, middle] = [16, width - 16, top + 62];
  const x = (lag: number) => right - ((right - left) * lag) / Math.max(1, longest);
  const gap = (right - left) / Math.max(1, lags.length - 1);
  const radius = Math.max(2, Math.min(8, gap * 0.36));
  const fill = (decades = -Infinity) => {
    if (Number.isNaN(decades) || decades === Infinity) return colours.bad;
    return decades === -Infinity ? 'none' : decades > 0 ? grown(decades) : colour(decades);
  };
  const thick = (decades = -Infinity) =>
    Number.isFinite(decades) ? Math.max(0.6, Math.min(9, 5 + decades * (decades > 0 ? 1.4 : 0.5))) : 0;
  const cue = progress.begun?.dataHorizon ? progress.begun.dataHorizon - 1 : undefined;
  return (
    <g>
      <text x={left} y={top + 18} fill={colours.ink} font-weight="600">
        {name}
      </text>
      <text x={right} y={top + 18} text-anchor="end" fill={colours.quiet}>
        {progress.looks.length === 0 ? '' : `${back} steps back: ${sayLeft(leftAt(progress, back))}`}
      </text>
      <line x1={left} x2={right} y1={middle} y2={middle} stroke={colours.line} stroke-width="1.5" />
      {lags.slice(1).map((lag) => {
        if (lag > back) return null;
        const decades = leftAt(progress, lag);
        return (
          <line
            key={`l${lag}`}
            x1={x(lag)}
            x2={x(lag - every)}
            y1={middle}
            y2={middle}
            stroke={fill(decades)}
            stroke-width={thick(decades)}
          />
        );
      })}
      {lags.map((lag) => (
        <circle
          key={lag}
          cx={x(lag)}
          cy={middle}
          r={radius}
          fill={lag <= back && fill(leftAt(progress, lag)) !== 'none' ? fill(leftAt(progress, lag)) : colours.card}
          stroke={lag <= back ? colours.quiet : colours.line}
          stroke-width="1.2"
        />
      ))}
      {progress.looks.length > 0 && (
        <circle cx={x(back)} cy={middle} r={radius + 4.5} fill="none" stroke={colours.accent} stroke-width="1.8" />
      )}
      <text x={right + radius} y={middle - radius - 8} text-anchor="end" fill={colours.quiet} font-size="11">
        loss
      </text>
      {cue !== undefined && cue <= longest && cue > 0 && (
        <text x={x(cue) - radius} y={middle - radius - 8} fill={colours.good} font-size="11">
          {'⬐ needed from here'}
        </text>
      )}
    </g>
  );
}

function Axis({ width, longest, top }: { width: number; longest: number; top: number }) {
  const { quiet } = palette.value;
  const places = [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * longest));
  return (
    <g font-size="11" fill={quiet}>
      {[...new Set(places)].map((lag) => (
        <text
          key={lag}
          x={width - 16 - ((width - 32) * lag) / Math.max(1, longest)}
          y={top + 8}
          text-anchor={lag === 0 ? 'end' : lag === longest ? 'start' : 'middle'}
        >
          {lag === 0 ? 't' : `t−${lag}`}
        </text>
      ))}
    </g>
  );
}
