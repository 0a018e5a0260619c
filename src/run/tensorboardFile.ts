import { closeSync, openSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type EventValue, firstEvent, histogramOf, summaryEvent } from '../interop/tensorboard.ts';
import type { LagPoint } from '../monitor/lagProfile.ts';
import type { Network } from '../network/network.ts';
import type { ProfileLine } from '../training/profiler.ts';
import { writeError } from './files.ts';
import { lagPicture } from './lagPicture.ts';
import type { MetricsLine } from './metrics.ts';

/** Records are written when there are this many bytes, or when this many milliseconds have passed. */
const mostPending = 2 ** 16;
const mostWait = 1000;

/**
 * An event file of TensorBoard in a run directory, which is written while the run is trained: losses, norms and rates of every update as
 * scalars, the weights as histograms, the lag profile as a picture and at lags that double. A run that is taken up gets another file, which TensorBoard shows as its continuation.
 */
export class TensorboardFile {
  readonly file: string;
  readonly #descriptor: number;
  #pending: Uint8Array[] = [];
  #bytes = 0;
  #written = performance.now();

  /** @throws WRITE_FAILED where it cannot be made. */
  constructor(folder: string) {
    const now = Date.now();
    this.file = path.join(folder, `events.out.tfevents.${Math.floor(now / 1000)}.${os.hostname()}.${process.pid}.throughtime`);
    try {
      this.#descriptor = openSync(this.file, 'ax');
    } catch (cause) {
      throw writeError(this.file, cause);
    }
    this.#add(firstEvent(now / 1000));
  }

  /** What is known of an update. */
  update(line: MetricsLine): void {
    const { update, loss, gradientNorm, clippedNorm, learningRate, validationLoss, parameters = {}, omega } = line;
    const values: EventValue[] = [
      { tag: 'loss/train', value: loss },
      ...(validationLoss === undefined ? [] : [{ tag: 'loss/validation', value: validationLoss }]),
      ...(omega === undefined ? [] : [{ tag: 'loss/omega', value: omega }]),
      { tag: 'gradientNorm/all', value: gradientNorm },
      { tag: 'gradientNorm/clipped', value: clippedNorm },
      ...Object.entries(parameters).map(([name, value]) => ({ tag: `gradientNorm/${name}`, value })),
      { tag: 'learningRate', value: learningRate },
    ];
    this.#add(summaryEvent(Date.now() / 1000, update, values));
  }

  /** How the weights are distributed after so many updates. */
  weights(network: Network, update: number): void {
    const values: EventValue[] = network.parameters.list.map(({ name }) => {
      return { tag: `weights/${name}`, value: histogramOf(network.parameters.valuesOf(name)) };
    });
    this.#add(summaryEvent(Date.now() / 1000, update, values));
  }

  /** What the monitors saw: of it the lag profile. */
  profiled(lines: readonly ProfileLine[]): void {
    for (const { monitor, update, value } of lines) {
      const profile = value as readonly LagPoint[] | null;
      if (monitor !== 'lag-profile' || profile === null || profile.length === 0) continue;
      const values: EventValue[] = profile
        .filter(({ lag }) => (lag & (lag - 1)) === 0)
        .map(({ lag, meanLog10 }) => ({ tag: `lagProfile/log10 at lag ${lag}`, value: meanLog10 }));
      this.#add(summaryEvent(Date.now() / 1000, update, [...values, { tag: 'lagProfile/all lags', value: lagPicture(profile) }]));
    }
  }

  /** Ends the file. */
  close(): void {
    try {
      this.#flush();
    } finally {
      closeSync(this.#descriptor);
    }
  }

  #add(record: Uint8Array): void {
    this.#pending.push(record);
    this.#bytes += record.length;
    if (this.#bytes >= mostPending || performance.now() - this.#written >= mostWait) this.#flush();
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#pending);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    } catch (cause) {
      throw writeError(this.file, cause);
    }
    this.#pending = [];
    this.#bytes = 0;
    this.#written = performance.now();
  }
}
