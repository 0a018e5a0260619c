import { createLogUpdate } from 'log-update';
import type { MetricsLine } from '../run/metrics.ts';
import { duration, short } from './numbers.ts';

/** Milliseconds between two pictures of the bar, and between two plain lines. */
const barEvery = 100;
const lineEvery = 5000;
const barWidth = 24;

/**
 * Shows how a training goes on, on stderr: a bar in place on a terminal, a line every few seconds elsewhere. The rate and
 * the time left are those of the last seconds.
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

  /** @param begun updates that were made in an earlier session. */
  constructor(updates: number, begun = 0, stream: NodeJS.WriteStream = process.stderr) {
    this.#recent = [{ at: this.#began, update: begun, sequences: 0 }];
    this.#updates = updates;
    this.#stream = stream;
    this.#bar = stream.isTTY ? createLogUpdate(stream) : undefined;
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
    const parts = [
      `update ${last.update}/${this.#updates}`,
      `loss ${short(this.#loss)}`,
      this.#validation === undefined ? '' : `validation ${short(this.#validation)}`,
      last.nonFinite === null ? `gradient norm ${short(last.gradientNorm)}` : `skipped: ${last.nonFinite} not finite`,
      perSecond > 0 && Number.isFinite(perSecond) ? `${short(perSecond)} sequences/s` : '',
      left,
    ].filter((part) => part !== '');
    if (!this.#bar) {
      this.#stream.write(`${parts.join('  ')}\n`);
      return;
    }
    const filled = Math.round((barWidth * last.update) / this.#updates);
    this.#bar(`${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${parts.join('  ')}`);
  }
}
