import type { Side, Steps } from './alternate.ts';
import { SideProcess } from './sideProcess.ts';
import type { Workload } from './workload.ts';

/** Seconds that a library may take over its first steps, which is when some of them compile. */
const PATIENCE = 90;

/** A side that is a program under Node, started anew for every workload, so that no shape profits or suffers from another. */
export class ProcessSide implements Side {
  readonly warmUp: number;
  readonly #args: readonly string[];
  readonly #workload: Workload;
  #process: SideProcess | undefined;

  /** @param args Node's flags, the script and its arguments. */
  constructor(args: readonly string[], workload: Workload, warmUp = 1) {
    this.warmUp = warmUp;
    this.#args = args;
    this.#workload = workload;
  }

  /** What the program says it is, once prepared. */
  get version(): string | undefined {
    return this.#process?.greeting.version;
  }

  async prepare(): Promise<void> {
    this.#process = await SideProcess.start(process.execPath, this.#args);
    await this.#process.ask({ prepare: this.#workload }, PATIENCE);
  }

  async steps(count: number): Promise<Steps> {
    if (!this.#process) throw new Error('steps were asked for before `prepare`');
    return this.#process.ask<Steps>({ steps: count }, PATIENCE);
  }

  stop(): void {
    this.#process?.stop();
  }
}
