/** Who takes part in a comparison, and what is kept of it. */
import path from 'node:path';
import { alternate, type Pace, type Side } from './alternate.ts';
import type { OwnSetting } from './own/backends.ts';
import { STEP_OPERATIONS } from './own/ceiling.ts';
import { squareSize } from './own/product.ts';
import type { NpmPeer } from './peers/npmPeers.ts';
import type { PytorchSetting, PytorchSide } from './peers/pytorch.ts';
import { ProcessSide } from './processSide.ts';
import type { Timing } from './statistics.ts';
import { stepOperations, type Workload } from './workload.ts';

export type Who = 'ours' | 'PyTorch' | 'TensorFlow.js' | 'jax-js' | 'simd' | 'sgemm' | 'product';

/** What one side of a comparison is, and took; or why there is no figure. */
export interface Recorded {
  /** `simd` is the ceiling of 128-bit SIMD, `sgemm` the product of two large matrices by a BLAS, PyTorch's or ours, `product` by the wasm kernels. */
  readonly who: Who;
  readonly setting: Partial<OwnSetting & PytorchSetting> & { readonly loss?: Workload['loss'] };
  readonly version?: string;
  readonly timing?: Timing;
  readonly failed?: string;
}

/** Somebody who would take part and is not on this machine, with the reason or with what to do about it. */
export interface Missing {
  readonly who: string;
  readonly why: string;
}

/** A workload and every side of it, measured in turns. */
export interface Case {
  readonly workload: Workload;
  readonly sides: readonly Recorded[];
}

/** A side that takes part, with how it will be recorded. */
export interface Entrant {
  readonly who: Who;
  readonly setting: Recorded['setting'];
  readonly side: Side & { readonly version?: string; stop?(): void };
}

/** Ours on one workload, with each of the settings. */
export function ownEntrants(settings: readonly OwnSetting[], workload: Workload): Entrant[] {
  return settings.map((setting) => ({
    who: 'ours',
    setting: { ...setting, loss: workload.loss },
    side: new ProcessSide([own('own.ts'), setting.backend, String(setting.threads)], workload),
  }));
}

/** The ceilings of 128-bit SIMD, with one thread and with two; the workload is not theirs. */
export function simdEntrants(workload: Workload): Entrant[] {
  return [1, 2].map((threads) => ({
    who: 'simd',
    setting: { threads },
    side: new ProcessSide([own('ceiling.ts'), String(threads)], workload),
  }));
}

/** The product of two large matrices by the wasm kernels, with one thread and with two; the workload is not theirs. */
export function productEntrants(workload: Workload): Entrant[] {
  return [1, 2].map((threads) => ({
    who: 'product',
    setting: { backend: 'wasm', threads },
    side: new ProcessSide([own('product.ts'), 'wasm', String(threads)], workload),
  }));
}

/** The product of two large matrices by our backend on a library of the machine, where that is among the settings. */
export function sgemmEntrants(settings: readonly OwnSetting[], workload: Workload): Entrant[] {
  return settings
    .filter(({ backend }) => backend === 'blas')
    .map((setting) => ({
      who: 'sgemm',
      setting,
      side: new ProcessSide([own('product.ts'), setting.backend, String(setting.threads)], workload),
    }));
}

const own = (file: string) => path.join(import.meta.dirname, 'own', file);

export function npmEntrant({ name, script, flags, warmUp }: NpmPeer, workload: Workload): Entrant {
  return { who: name, setting: { threads: 1 }, side: new ProcessSide([...flags, script], workload, warmUp) };
}

export function pytorchEntrant(who: 'PyTorch' | 'sgemm', side: PytorchSide): Entrant {
  return { who, setting: side.setting, side };
}

/** Measures all entrants in turns and ends those that are processes of their own. */
export async function compare(entrants: readonly Entrant[], pace: Pace): Promise<Recorded[]> {
  const outcomes = await alternate(
    entrants.map(({ side }) => side),
    pace,
  );
  return entrants.map(({ who, setting, side }, index) => {
    const { version } = side;
    side.stop?.();
    return { who, setting, ...(version ? { version } : {}), ...outcomes[index] };
  });
}

/** Floating-point operations of one step of a side. */
export function operations({ who, setting }: Recorded, workload: Workload): number {
  if (who === 'simd') return STEP_OPERATIONS * (setting.threads ?? 1);
  return who === 'sgemm' || who === 'product' ? 2 * squareSize ** 3 : stepOperations(workload);
}

/** 10^9 floating-point operations a second; undefined for a side without a figure. */
export function gflops(side: Recorded, workload: Workload): number | undefined {
  return side.timing && operations(side, workload) / side.timing.median / 1e6;
}

/** Those of one kind that have a figure, the fastest first. */
export function fastest(sides: readonly Recorded[], who: Who): (Recorded & { readonly timing: Timing })[] {
  const timed = sides.filter((side): side is Recorded & { readonly timing: Timing } => side.who === who && side.timing !== undefined);
  return timed.toSorted((a, b) => a.timing.median - b.timing.median);
}
