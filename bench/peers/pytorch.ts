import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Side, Steps } from '../alternate.ts';
import { squareSize } from '../own/product.ts';
import { SideProcess } from '../sideProcess.ts';
import { median } from '../statistics.ts';
import type { Workload } from '../workload.ts';

/** What PyTorch on OpenBLAS may be told. */
export interface PytorchSetting {
  /** The kernels that OpenBLAS uses, in its own words. */
  readonly core: string;
  /** Whose threads OpenBLAS uses: `openmp`, `pthread`, or `default` where there is no choice. */
  readonly build: string;
  readonly threads: number;
  readonly flush: boolean;
}

/** How fast one setting was in the search for the best. */
export interface Trial {
  readonly setting: PytorchSetting;
  readonly milliseconds: number;
}

export interface PytorchSide extends Side {
  readonly setting: PytorchSetting;
}

/** What OpenBLAS is told that the processor is; undefined lets it find out, and it does not know every processor. */
const coreTypes = [undefined, 'SkylakeX', 'Haswell', 'Zen'] as const;
const threadCounts = [1, 2] as const;

/** How to come by it where it is missing. */
export const pytorchAdvice =
  'no Python with PyTorch here (PYTHON names one): on Debian, apt-get install python3-torch libopenblas0-openmp libopenblas0-pthread';

interface Kept {
  readonly process: SideProcess;
  readonly core: string;
  readonly build: string;
  readonly flush: boolean;
}

/**
 * PyTorch with every build and core type of OpenBLAS that this machine has, a process each, which stay warm for the whole run. The
 * thread count changes within a process; the flushing of denormals does not, because threads inherit it when they are made.
 */
export class Pytorch {
  readonly version: string;
  readonly #python: string;
  readonly #say: (line: string) => void;
  #processes: Kept[];

  private constructor(python: string, processes: Kept[], say: (line: string) => void) {
    this.version = processes[0].process.greeting.version;
    this.#python = python;
    this.#processes = processes;
    this.#say = say;
  }

  /** Undefined where there is none. A process that fails, now or later, is said and left out. */
  static async open(say: (line: string) => void): Promise<Pytorch | undefined> {
    const candidates = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter((each) => each !== undefined);
    const python = candidates.find((each) => spawnSync(each, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0);
    if (!python) return undefined;
    const processes = await startAll(python, false, say);
    return processes.length > 0 ? new Pytorch(python, processes, say) : undefined;
  }

  /**
   * For each number of threads the setting that was fastest in a few steps, ready to be measured in earnest; and how all did. Two
   * threads win on a quiet machine and lose on a busy one, so the choice between them is left to the measurement. Where denormals were
   * flushed in all settings, the best is there once more without. A quick search takes two steps of each.
   */
  async search(workload: Workload, quick: boolean): Promise<{ sides: PytorchSide[]; trials: Trial[] }> {
    const flush = underflows(workload);
    if (flush && !this.#processes.some((each) => each.flush)) this.#processes.push(...(await startAll(this.#python, true, this.#say)));
    const trials: { kept: Kept; trial: Trial }[] = [];
    for (const kept of this.#processes.filter((each) => each.flush === flush)) {
      const { core, build } = kept;
      await this.#orWithout(kept, async () => {
        await kept.process.ask({ prepare: workload });
        for (const threads of threadCounts) {
          const best = Math.min(...trials.map(({ trial }) => trial.milliseconds));
          const milliseconds = await trialTime(kept.process, threads, best, quick);
          trials.push({ kept, trial: { setting: { core, build, threads, flush }, milliseconds } });
        }
        await kept.process.ask({ prepare: null });
      });
    }
    trials.sort((a, b) => a.trial.milliseconds - b.trial.milliseconds);
    const best = threadCounts.flatMap((threads) => trials.find(({ trial }) => trial.setting.threads === threads) ?? []);
    const sides = best.map(({ kept, trial }) => side(kept, trial.setting, workload));
    if (flush && trials.length > 0) {
      const [{ kept, trial }] = trials;
      const plain = this.#processes.find((each) => !each.flush && each.core === kept.core && each.build === kept.build);
      if (plain) sides.push(side(plain, { ...trial.setting, flush: false }, workload));
    }
    return { sides, trials: trials.map(({ trial }) => trial) };
  }

  /** Lets go of what was prepared. */
  async release(): Promise<void> {
    for (const kept of this.#processes) await this.#orWithout(kept, () => kept.process.ask({ prepare: null }));
  }

  /** The product of two large square matrices as a side, at the setting that is fastest with each number of threads. */
  async peaks(): Promise<PytorchSide[]> {
    const sides: PytorchSide[] = [];
    for (const threads of threadCounts) {
      const trials: { kept: Kept; milliseconds: number }[] = [];
      for (const kept of this.#processes.filter((each) => !each.flush)) {
        await this.#orWithout(kept, async () => {
          const { milliseconds } = await kept.process.ask<Steps>({ sgemm: squareSize, steps: 5, threads });
          trials.push({ kept, milliseconds: median(milliseconds) });
        });
      }
      if (trials.length === 0) continue;
      const { kept } = trials.toSorted((a, b) => a.milliseconds - b.milliseconds)[0];
      sides.push({
        setting: { core: kept.core, build: kept.build, threads, flush: false },
        warmUp: 1,
        prepare: async () => {},
        steps: (steps) => kept.process.ask<Steps>({ sgemm: squareSize, steps, threads }),
      });
    }
    return sides;
  }

  async #orWithout(kept: Kept, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#say(`PyTorch on ${kept.core}, ${kept.build} is left out from here on: ${(error as Error).message}`);
      kept.process.stop();
      this.#processes = this.#processes.filter((each) => each !== kept);
    }
  }

  close(): void {
    for (const { process } of this.#processes) process.stop();
  }
}

/** Whether the gradient of this workload gets among denormal numbers, on which PyTorch slows down unless it flushes them to zero. */
function underflows({ T, loss }: Workload): boolean {
  return T >= 400 && loss === 'last';
}

function side({ process }: Kept, setting: PytorchSetting, workload: Workload): PytorchSide {
  return {
    setting,
    warmUp: 1,
    prepare: () => process.ask({ prepare: workload }),
    steps: (steps) => process.ask<Steps>({ steps, threads: setting.threads }),
  };
}

/** The fastest of a few steps, as many as a tenth of a second holds; of fewer where that is hopeless beside the best so far. */
async function trialTime(process: SideProcess, threads: number, best: number, quick: boolean): Promise<number> {
  const steps = async (count: number) => Math.min(...(await process.ask<Steps>({ steps: count, threads })).milliseconds);
  const first = await steps(1);
  // The first step of all makes threads and tables; the second tells, unless the first was too slow for that to matter.
  const second = first > Math.max(2000, 4 * best) ? first : await steps(1);
  if (quick || second > 4 * best) return second;
  return Math.min(second, await steps(Math.max(2, Math.min(20, Math.floor(100 / second)))));
}

/** One process for every build and core type that differ from each other in effect. */
async function startAll(python: string, flush: boolean, say: (line: string) => void): Promise<Kept[]> {
  const kept: Kept[] = [];
  const script = path.join(import.meta.dirname, 'pytorch.py');
  for (const { build, folder } of openblasBuilds()) {
    for (const coreType of coreTypes) {
      const environment = { ...(coreType ? { OPENBLAS_CORETYPE: coreType } : {}), ...(folder ? { LD_LIBRARY_PATH: folder } : {}) };
      const started = SideProcess.start(python, [script, ...(flush ? ['flush'] : [])], environment);
      const process = await started.catch((error: Error) => say(`PyTorch on ${coreType ?? 'its own choice'}, ${build}: ${error.message}`));
      if (!process) continue;
      const core = process.greeting.core as string | null;
      if (kept.some((each) => each.build === build && each.core === (core ?? 'its own BLAS'))) process.stop();
      else kept.push({ process, core: core ?? 'its own BLAS', build, flush });
      if (core === null) break;
    }
  }
  return kept;
}

/** Debian keeps its builds side by side; elsewhere there is the one that PyTorch finds. */
function openblasBuilds(): { build: string; folder?: string }[] {
  const folders = existsSync('/usr/lib') ? readdirSync('/usr/lib').map((name) => path.join('/usr/lib', name)) : [];
  const builds = ['openmp', 'pthread'].flatMap((build) => {
    const folder = folders.map((each) => path.join(each, `openblas-${build}`)).find((each) => existsSync(path.join(each, 'libblas.so.3')));
    return folder ? [{ build, folder }] : [];
  });
  return builds.length > 0 ? builds : [{ build: 'default' }];
}
