import { createLogUpdate } from 'log-update';
import type { MetricsLine } from '../run/metrics.ts';
import { duration, short } from './numbers.ts';

/** Milliseconds between two pictures of the bar, and between two plain lines. */
const barEvery = 100;
const lineEvery = 5000;
/** Cells of the bar, where there is room, and the fewest that are worth drawing. */
const barWidth = 24;
const leastBar = 6;

/** Where a training stands, each part in words; an absent one is empty. */
export interface ProgressParts {
  readonly update: string;
  readonly loss: string;
  /** Long and short. */
  readonly validation: readonly [string, string];
  readonly norm: readonly [string, string];
  readonly rate: string;
  readonly left: string;
  /** 0 to 1. */
  readonly done: number;
}

/**
 * The bar and what stands beside it, in one line that fits. Where columns are wanting, the bar shrinks, then the least important
 * parts are left out one after the other, the bar among them.
 */
export function fitted(parts: ProgressParts, columns: number): string {
  const { update, loss, validation, norm, rate, left, done } = parts;
  const candidates: [string[], number][] = [
    [[update, loss, validation[0], norm[0], rate, left], leastBar],
    [[update, loss, validation[0], norm[0], left], leastBar],
    [[update, loss, validation[1], norm[1], left], leastBar],
    [[update, loss, validation[1], norm[1], left], 0],
    [[update, loss, validation[1], left], 0],
    [[update, loss, left], 0],
    [[update, loss], 0],
  ];
  // The last column stays free: some terminals go to the next line as soon as it is filled.
  const room = columns - 1;
  for (const [chosen, bar] of candidates) {
    const text = chosen.filter((part) => part !== '').join('  ');
    if (bar === 0 && text.length <= room) return text;
    const cells = Math.min(barWidth, room - text.length - 1);
    if (bar === 0 || cells < bar) continue;
    const filled = Math.round(cells * Math.min(1, done));
    return `${'█'.repeat(filled)}${'░'.repeat(cells - filled)} ${text}`;
  }
  return update.slice(0, Math.max(0, room));
}

/**
 * Shows how a training goes on, on stderr: a bar in place on a terminal whose size is known, a line every few seconds
 * elsewhere. The rate and the time left are those of the last seconds.
 */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #updates: number;
  readonly #bar: ReturnType<typeof createLogUpdate> | undefined;
  readonly #began = performance.now();
  #shown = performance.now();
  /** Where the training stood at the pictures of the last seconds. */
  #recent: { at: number; update: number; sequences: number }[];
  #sequences = 0;
  #loss: number | undefined;
  #validation: number | undefined;
  #last: MetricsLine | undefined;

  /** @param begun updates that were made in an earlier sitting. */
  constructor(updates: number, begun = 0, stream: NodeJS.WriteStream = process.stderr) {
    this.#recent = [{ at: this.#began, update: begun, sequences: 0 }];
    this.#updates = updates;
    this.#stream = stream;
    this.#bar = stream.isTTY && stream.columns > 0 && stream.rows > 0 ? createLogUpdate(stream) : undefined;
  }

  /** Takes note of an update. */
  updated(line: MetricsLine, sequences: number): void {
    this.#last = line;
    this.#sequences += sequences;
    if (Number.isFinite(line.loss)) this.#loss = this.#loss === undefined ? line.loss : this.#loss + 0.05 * (line.loss - this.#loss);
    this.#validation = line.validationLoss ?? this.#validation;
    const now = performance.now();
    if (now - this.#shown < (this.#bar ? barEvery : lineEvery)) return;
    this.#shown = now;
    this.#show(now);
    this.#recent = [...this.#recent.filter((each) => each.at > now - 10_000), { at: now, update: line.update, sequences: this.#sequences }];
  }

  /** A sentence that stays. */
  say(sentence: string): void {
    this.#bar?.clear();
    this.#stream.write(`${sentence}\n`);
  }

  /** Leaves the last picture standing. */
  end(): void {
    if (this.#last) this.#show(performance.now());
    this.#bar?.done();
  }

  #show(now: number): void {
    const last = this.#last as MetricsLine;
    const first = this.#recent[0];
    const span = (now - first.at) / 1000;
    const rate = (last.update - first.update) / span;
    const perSecond = (this.#sequences - first.sequences) / span;
    const left = last.update >= this.#updates ? 'done' : rate > 0 ? `${duration((this.#updates - last.update) / rate)} left` : '';
    const norm = last.nonFinite === null ? short(last.gradientNorm) : `skipped: ${last.nonFinite} not finite`;
    const parts: ProgressParts = {
      update: `update ${last.update}/${this.#updates}`,
      loss: `loss ${short(this.#loss)}`,
      validation: this.#validation === undefined ? ['', ''] : [`validation ${short(this.#validation)}`, `val ${short(this.#validation)}`],
      norm: last.nonFinite === null ? [`gradient norm ${norm}`, `norm ${norm}`] : [norm, 'skipped'],
      rate: perSecond > 0 && Number.isFinite(perSecond) ? `${short(perSecond)} sequences/s` : '',
      left,
      done: last.update / this.#updates,
    };
    // A terminal may have been made smaller meanwhile, to nothing even.
    if (this.#bar && this.#stream.columns > 0) this.#bar(fitted(parts, this.#stream.columns));
    else if (!this.#bar) {
      const { update, loss, validation, rate } = parts;
      this.#stream.write(`${[update, loss, validation[0], parts.norm[0], rate, left].filter((part) => part !== '').join('  ')}\n`);
    }
  }
}
