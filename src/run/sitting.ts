import { choosePieces } from '../diagnosis/threshold/choose.ts';
import { ThroughtimeError } from '../errors.ts';
import type { Evaluation, Evaluator, Metric } from '../training/evaluator.ts';
import type { TrainingEvent } from '../training/events.ts';
import { isExplosion } from '../training/guard/explosion.ts';
import type { Trainer, UpdateRecord } from '../training/trainer.ts';
import { weightsBytes, writeCheckpoint } from './checkpoint.ts';
import { keepFailure } from './failure.ts';
import { writeWhole } from './files.ts';
import { type MetricsLine, MetricsWriter, replaceLast } from './metrics.ts';
import type { Pace, Stop } from './pace.ts';
import type { ProfilesWriter } from './profiles.ts';
import { isBetter, type Validated } from './resume.ts';
import type { RunDirectory } from './runDirectory.ts';
import type { TrainWatcher } from './trainRun.ts';

/** Share of the time that is left which the updates may take where there is a deadline; the rest is for the evaluation after them. */
const shareOfUpdates = 0.9;

/** A sign of an explosion more than so many updates after the last is another explosion. */
const quiet = 100;

export interface SittingParts {
  readonly run: RunDirectory;
  readonly trainer: Trainer;
  readonly evaluator: Evaluator;
  readonly pace: Pace;
  readonly watcher: TrainWatcher | undefined;
  /** What an earlier sitting left; undefined for a new run. */
  readonly before: Validated | undefined;
  readonly checkpointEvery: number;
  readonly profiles: ProfilesWriter;
}

/** What is known about the validation part when a sitting ends. */
export interface Validation {
  readonly loss: number | null;
  readonly metric: Metric | null;
  readonly of: { readonly update: number; readonly share: number } | null;
  /** What kept the evaluation after the last update from its end. */
  readonly stopped: Stop | null;
}

/**
 * From where a run stands to its end or to a stop. At a stop the checkpoint is written at once. An evaluation that a stop
 * cuts short leaves the line of its update without a validation loss, and that is how the next sitting knows that it is due.
 */
export class Sitting {
  readonly #parts: SittingParts;
  /** Why the training was stopped. */
  stopped: Stop | 'explosion' | null = null;
  /** The complete evaluation with the lowest loss. */
  best: Validated['best'];
  #last: Validated['last'];
  #lastMetric: Metric | null = null;
  /** The evaluation after the update at hand, complete or cut short. */
  #evaluation: Evaluation | undefined;
  /** Update of the last event of an explosion. */
  #lastExplosion = -Infinity;
  /** A file of weights that is not written yet. */
  #bestBytes: Uint8Array | undefined;

  constructor(parts: SittingParts) {
    this.#parts = parts;
    this.best = parts.before?.best ?? null;
    this.#last = parts.before?.last ?? null;
  }

  async train(): Promise<void> {
    const { run, trainer, pace, watcher, before, checkpointEvery } = this.#parts;
    const now = performance.now();
    const end = now + shareOfUpdates * (pace.deadline - now);
    if (before?.line && before.line.validationLoss === undefined && this.#isDue()) await this.#makeUp(before.line);
    const metrics = new MetricsWriter(run.metricsFile);
    const events = new MetricsWriter<TrainingEvent>(run.eventsFile);
    trainer.failed = (failure) => keepFailure(run.failuresFolder, failure);
    try {
      let saved = performance.now();
      while (!trainer.done) {
        this.stopped ??= pace.stop(end);
        if (this.stopped) break;
        if (trainer.waiting && !(await this.#choose())) break;
        let record: UpdateRecord | undefined;
        let validationLoss: number | undefined;
        try {
          this.#look();
          record = trainer.step();
          for (const event of trainer.takeEvents()) this.#happened(event, events);
          this.#evaluation = undefined;
          if (this.#isDue()) validationLoss = await this.#evaluate();
        } catch (cause) {
          this.#keep(cause, metrics, events, record);
          throw cause;
        }
        const line: MetricsLine = validationLoss === undefined ? record : { ...record, validationLoss };
        metrics.add(line);
        watcher?.updated?.(line, Math.min(trainer.options.batchSize, trainer.dataset.count));
        await pace.breathe(() => {
          metrics.flush();
          events.flush();
        });
        if (this.stopped || performance.now() - saved < checkpointEvery * 1000) continue;
        this.#save(metrics, events);
        saved = performance.now();
      }
      if (!this.stopped) this.#look();
      this.#save(metrics, events);
      if (trainer.halted) this.stopped ??= 'explosion';
    } finally {
      trainer.failed = undefined;
      metrics.close();
      events.close();
    }
  }

  /** After an error of the data, where the training stands between two updates: keeps what has been reached. */
  #keep(cause: unknown, metrics: MetricsWriter, events: MetricsWriter<TrainingEvent>, record?: UpdateRecord): void {
    const { run, trainer } = this.#parts;
    if (!(cause instanceof ThroughtimeError) || !trainer.isBetweenUpdates) return;
    if (record) metrics.add(record);
    this.#save(metrics, events);
    run.update({ status: 'stopped', ended: new Date().toISOString() });
  }

  /** Measures the weights as they are, if that has not been done; where time lacks, the best that is known instead. */
  async validation(): Promise<Validation> {
    const { trainer, evaluator, pace } = this.#parts;
    let stopped: Stop | null = null;
    if (this.#evaluation?.share !== 1) {
      const { stopped: cut, value } = await pace.through(evaluator.pieces());
      stopped = cut;
      if (value && value.share >= (this.#evaluation?.share ?? 0)) this.#evaluation = value;
    }
    const { update } = trainer;
    if (this.#evaluation) {
      const { loss, metric, share } = this.#evaluation;
      return { loss, metric, of: { update, share }, stopped };
    }
    const last = this.#last;
    return { loss: last?.validation ?? null, metric: this.#lastMetric, of: last && { update: last.update, share: 1 }, stopped };
  }

  /** Whether the validation part is to be measured after the update at hand. */
  /** Has the monitors look, where that is due. */
  #look(): void {
    const { profiles, watcher } = this.#parts;
    const seen = profiles.takeIfDue();
    if (seen.length > 0) watcher?.profiled?.(seen);
  }

  #isDue(): boolean {
    const { trainer } = this.#parts;
    return trainer.update > 0 && (trainer.done || trainer.update % (trainer.options.validateEvery ?? Infinity) === 0);
  }

  /** The loss on the validation part; undefined, and the training stopped, where the evaluation was cut short. */
  async #evaluate(): Promise<number | undefined> {
    const { trainer, evaluator, pace, watcher } = this.#parts;
    const { stopped, value } = await pace.through(evaluator.pieces());
    this.#evaluation = value;
    this.stopped = stopped;
    if (stopped) return undefined;
    const { loss: validation } = value;
    const { update, network } = trainer;
    this.#last = { update, validation };
    this.#lastMetric = value.metric;
    if (isBetter(validation, this.best?.validation)) {
      this.best = this.#last;
      this.#bestBytes = weightsBytes(network, update, validation);
    }
    watcher?.evaluated?.(update, value);
    return validation;
  }

  /** The evaluation that the sitting before did not bring to its end. */
  async #makeUp(line: MetricsLine): Promise<void> {
    const validationLoss = await this.#evaluate();
    if (validationLoss === undefined) return;
    this.#saveBest();
    replaceLast(this.#parts.run.metricsFile, { ...line, validationLoss });
  }

  /** Has the threshold chosen that `clip: "auto"` waits for; false, and the training stopped, where that was cut short. */
  async #choose(): Promise<boolean> {
    const { trainer, pace, watcher } = this.#parts;
    watcher?.noted?.('Looking for a threshold of the gradient norm, by replays from before the explosion.');
    const { stopped } = await pace.through(choosePieces(trainer));
    this.stopped ??= stopped;
    return stopped === null;
  }

  /** Notes an event, and at the first sign of an explosion keeps the last good moment before it. */
  #happened(event: TrainingEvent, events: MetricsWriter<TrainingEvent>): void {
    const { run, trainer, watcher } = this.#parts;
    events.add(event);
    watcher?.happened?.(event);
    if (!isExplosion(event.kind)) return;
    if (event.update - this.#lastExplosion > quiet) {
      const good = trainer.snapshots.before(event.update);
      if (good) writeCheckpoint(trainer, run.beforeExplosionFile, undefined, good);
    }
    this.#lastExplosion = event.update;
  }

  /** Metrics and best weights first: they may be ahead of the checkpoint, never behind it. */
  #save(metrics: MetricsWriter, events: MetricsWriter<TrainingEvent>): void {
    const { run, trainer } = this.#parts;
    metrics.sync();
    events.sync();
    this.#saveBest();
    writeCheckpoint(trainer, run.checkpointFile, run.previousCheckpointFile);
  }

  #saveBest(): void {
    if (this.#bestBytes) writeWhole(this.#parts.run.bestFile, this.#bestBytes);
    this.#bestBytes = undefined;
  }
}
