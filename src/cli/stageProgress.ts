import { createLogUpdate } from 'log-update';

const barEvery = 100;
const lineEvery = 5000;
const barWidth = 24;

/** Shows which stage a work of several is in, on stderr: a bar in place on a terminal whose size is known, else a line every few seconds. */
export class StageProgress {
  readonly #stream: NodeJS.WriteStream;
  readonly #bar: ReturnType<typeof createLogUpdate> | undefined;
  #shown = performance.now();

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#bar = stream.isTTY && stream.columns > 0 && stream.rows > 0 ? createLogUpdate(stream) : undefined;
  }

  /** @param done 0 to 1. */
  at(stage: string, done: number): void {
    const now = performance.now();
    if (now - this.#shown < (this.#bar ? barEvery : lineEvery)) return;
    this.#shown = now;
    const filled = Math.round(barWidth * Math.min(1, done));
    if (!this.#bar) this.#stream.write(`${Math.round(100 * done)}%  ${stage}\n`);
    else if (this.#stream.columns > 0) {
      this.#bar(`${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${stage}`.slice(0, this.#stream.columns - 1));
    }
  }

  /** Takes the bar away. */
  end(): void {
    this.#bar?.clear();
    this.#bar?.done();
  }
}
