import { createLogUpdate } from 'log-update';
import type { Standing } from '../sweep/standing.ts';
import { standingLine, sweepTable } from './sweepScreen.ts';

/** Milliseconds between two pictures of the table, and between two plain lines. */
const pictureEvery = 500;
const lineEvery = 5000;
/** Rows of the table that are drawn, where the screen has room for them. */
const mostRows = 20;

/** Shows how a sweep goes on, on stderr: a table that fills in on a terminal whose size is known, a line every few seconds elsewhere. */
export class SweepProgress {
  readonly #standing: Standing;
  readonly #stream: NodeJS.WriteStream;
  readonly #picture: ReturnType<typeof createLogUpdate> | undefined;
  #shown = Number.NEGATIVE_INFINITY;
  #line = '';

  constructor(standing: Standing, stream: NodeJS.WriteStream = process.stderr) {
    this.#standing = standing;
    this.#stream = stream;
    this.#picture = stream.isTTY && stream.columns > 0 && stream.rows > 0 ? createLogUpdate(stream) : undefined;
  }

  /** @param left seconds until the end, as far as they can be told. */
  changed(left: number | null): void {
    const now = performance.now();
    if (now - this.#shown < (this.#picture ? pictureEvery : lineEvery)) return;
    this.#shown = now;
    const line = standingLine(this.#standing, left);
    if (this.#picture) this.#draw(line);
    else if (line !== this.#line) this.#stream.write(`${line}\n`);
    this.#line = line;
  }

  /** A sentence that stays. */
  say(sentence: string): void {
    this.#picture?.clear();
    this.#stream.write(`${sentence}\n`);
  }

  /** Takes the table away; the answer prints it. */
  end(): void {
    this.#picture?.clear();
    this.#picture?.done();
  }

  #draw(line: string): void {
    const { columns, rows } = this.#stream;
    if (!(columns > 0)) return;
    const table = sweepTable(this.#standing.table(Math.min(mostRows, Math.max(1, rows - 4))), this.#standing.metricName, columns);
    this.#picture?.([...table, line.slice(0, columns - 1)].join('\n'));
  }
}
