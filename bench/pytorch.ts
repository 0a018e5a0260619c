import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { StepShape } from './trainingStep.ts';

/** A PyTorch process that makes training steps on demand. */
export class PytorchPeer {
  readonly version: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams, lines: AsyncIterator<string>, version: string) {
    this.#child = child;
    this.#lines = lines;
    this.version = version;
  }

  /** Starts the process. @param core the core type that OpenBLAS is told; undefined lets it find out itself. */
  static async start(python: string, { cell, B, T, I, H }: StepShape, threads: number, core?: string): Promise<PytorchPeer> {
    const openmp = '/usr/lib/x86_64-linux-gnu/openblas-openmp';
    const env = {
      ...process.env,
      ...(core ? { OPENBLAS_CORETYPE: core } : {}),
      ...(existsSync(openmp) ? { LD_LIBRARY_PATH: openmp } : {}),
    };
    const script = path.join(import.meta.dirname, 'peers', 'pytorch.py');
    const child = spawn(python, [script, cell, ...[B, T, I, H, threads].map(String)], { env });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const first = await lines.next();
    const { version } = JSON.parse(first.value as string) as { version: string };
    return new PytorchPeer(child, lines, version);
  }

  /** Milliseconds of each of `count` steps. */
  async steps(count: number): Promise<number[]> {
    this.#child.stdin.write(`${count}\n`);
    return JSON.parse((await this.#lines.next()).value as string) as number[];
  }

  stop(): void {
    this.#child.kill();
  }
}

/** A Python that has PyTorch, if there is one. */
export function pythonWithTorch(): string | undefined {
  const candidates = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter((each) => each !== undefined);
  return candidates.find((python) => spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0);
}
