import type { TrialAnswer, TrialJob } from '../hands/hands.ts';
import type { Sweep } from '../sweepFile.ts';

/** What a job of the queue holds; all else about its trial follows from the sweep. */
export interface JobData extends TrialJob {
  /** The id of its sweep. */
  readonly sweep: string;
}

/** A data file of a sweep. */
export interface OfferedFile {
  /** As the experiment names it, relative to `folder`, or in full. */
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Whether its bytes are in the server. */
  readonly sent: boolean;
}

/** What workers are told of a sweep. */
export interface SweepNotice {
  readonly id: string;
  /** The version of the program that submits it. */
  readonly program: string;
  readonly name: string;
  /** The name of its directory, in a folder that may be shared. */
  readonly directory: string;
  /** Where relative paths of the experiment start from, where it was submitted. */
  readonly folder: string;
  readonly sweep: Sweep;
  readonly files: readonly OfferedFile[];
}

/** What workers tell. */
export type Message =
  | ({ readonly kind: 'begun'; readonly worker: string } & TrialJob)
  | ({ readonly kind: 'died'; readonly because: string } & TrialJob)
  | ({
      readonly kind: 'ended';
      readonly answer: TrialAnswer;
      /** Whether the files of its run directory are in the server; otherwise they are in the shared folder. */
      readonly files: boolean;
    } & TrialJob)
  | { readonly kind: 'noted'; readonly sentence: string };
