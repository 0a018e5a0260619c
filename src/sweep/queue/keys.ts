/** Names in the server. BullMQ keeps its own under `throughtime:trials:`. */
export const prefix = 'throughtime';
/** The one queue, of all sweeps. */
export const queueName = 'trials';

/** The sweeps that are being worked on, by their ids. */
export const sweepsKey = `${prefix}:sweeps`;
/** Bytes of a data file, by its content. */
export const dataKeyOf = (sha256: string): string => `${prefix}:data:${sha256}`;

/** Keys of one sweep. */
export const keysOf = (id: string) => ({
  /** A hash: `about` (`SweepNotice` as JSON) and `reports`. Where it is gone, the sweep has been withdrawn. */
  sweep: `${prefix}:sweep:${id}`,
  /** A stream of what happens (`Message` as JSON). */
  messages: `${prefix}:sweep:${id}:messages`,
  /** A set of the jobs whose results are in the stream. */
  finished: `${prefix}:sweep:${id}:finished`,
  /** A hash: updates made by the trials at hand. */
  at: `${prefix}:sweep:${id}:at`,
  /** A hash of pieces: the files of a trial's run directory. */
  files: (trial: number) => `${prefix}:sweep:${id}:files:${trial}`,
});

/** The name of a job, the same whenever it is submitted, so that it is there once. */
export const jobIdOf = (id: string, { trial, updates }: { trial: number; updates: number | null }): string =>
  `${id}-${trial}-${updates ?? 'end'}`;
