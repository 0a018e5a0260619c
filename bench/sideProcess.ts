import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a side says first: its name and the version of what it measures. */
export interface Greeting {
  readonly version: string;
  readonly [more: string]: unknown;
}

/** Seconds that a process has to come up. */
const START = 180;

/**
 * A process that stays warm and answers one request at a time: a line of JSON on its stdin, a line of JSON on its stdout. The other
 * end is serve.ts, or peers/pytorch.py.
 */
export class SideProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #noise = '';
  greeting: Greeting = { version: '' };

  private constructor(command: string, args: readonly string[], environment: Record<string, string>) {
    this.#child = spawn(command, args, { env: { ...process.env, ...environment } });
    this.#child.stderr.on('data', (data: Buffer) => {
      this.#noise = (this.#noise + data.toString()).slice(-4000);
    });
    // A process that cannot be started or has gone shows in `#answer`, as the end of its lines.
    this.#child.on('error', (error) => {
      this.#noise += error.message;
    });
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** Starts one and reads its greeting. @throws Error with what the process said last, if it does not come up. */
  static async start(command: string, args: readonly string[], environment: Record<string, string> = {}): Promise<SideProcess> {
    const side = new SideProcess(command, args, environment);
    side.greeting = (await side.#answer(START)) as Greeting;
    return side;
  }

  /** @throws Error with the side's own words if it fails, goes away, or is silent for `seconds`; it is gone then. */
  async ask<Answer>(request: object, seconds = 180): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const answer = (await this.#answer(seconds)) as Answer & { error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }

  async #answer(seconds: number): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.stop();
        reject(new Error(`no answer within ${seconds} s`));
      }, seconds * 1000);
    });
    try {
      const line = await Promise.race([this.#lines.next(), late]);
      if (line.done) throw new Error(`it ended: ${lastWords(this.#noise) || `exit code ${this.#child.exitCode}`}`);
      return JSON.parse(line.value);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The line of a traceback that says what went wrong. */
function lastWords(noise: string): string {
  const lines = noise.split('\n').filter((line) => line.trim() !== '');
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? '').trim().slice(0, 200);
}
