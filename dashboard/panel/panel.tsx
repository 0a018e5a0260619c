import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { pngOf, save, svgOf } from '../chart/save.ts';
import { addressOf, place, setPlace } from '../data/place.ts';
import { palette } from '../data/theme.ts';

export interface PanelProps {
  /** The monitor's name; also in the panel's address. */
  readonly id: string;
  readonly title: string;
  /** What it shows, in one sentence. */
  readonly about?: string;
  readonly wide?: boolean;
  readonly csv?: () => string;
  readonly children: ComponentChildren;
  readonly controls?: ComponentChildren;
}

/** The frame of a panel: its title, its link, and its files. */
export function Panel({ id, title, about, wide = false, csv, children, controls }: PanelProps) {
  const ref = useRef<HTMLElement>(null);
  const [said, setSaid] = useState('');
  const alone = place.value.panel === id;
  const name = `${place.value.runs[0] ?? 'run'}-${id}`;
  const picture = () => (ref.current ? svgOf(ref.current, title, palette.value) : '');
  const tell = (text: string) => {
    setSaid(text);
    setTimeout(() => setSaid(''), 2500);
  };
  const link = `${location.origin}${location.pathname}${addressOf({ ...place.value, panel: id }, location.search)}`;
  return (
    <section class={`panel${wide || alone ? ' wide' : ''}`} id={id} ref={ref} aria-labelledby={`${id}-title`}>
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
        <div class="tools">
          {controls}
          <span class="said" role="status">
            {said}
          </span>
          <a
            class="tool"
            href={link}
            aria-label={`Permalink of ${title}`}
            title="Copies the link of this panel"
            onClick={(event) => {
              event.preventDefault();
              setPlace({ panel: id });
              navigator.clipboard?.writeText(link).then(
                () => tell('link copied'),
                () => tell('the link is in the address bar'),
              );
            }}
          >
            permalink
          </a>
          {csv && (
            <>
              <button
                type="button"
                class="tool"
                aria-label={`Save ${title} as PNG`}
                onClick={async () => save(`${name}.png`, await pngOf(picture()), 'image/png')}
              >
                png
              </button>
              <button
                type="button"
                class="tool"
                aria-label={`Save ${title} as SVG`}
                onClick={() => save(`${name}.svg`, picture(), 'image/svg+xml')}
              >
                svg
              </button>
              <button type="button" class="tool" aria-label={`Save ${title} as CSV`} onClick={() => save(`${name}.csv`, csv(), 'text/csv')}>
                csv
              </button>
            </>
          )}
        </div>
      </header>
      {about && <p class="about">{about}</p>}
      {children}
    </section>
  );
}
