/**
 * Every error this system raises on purpose, by code. A message says what is wrong, what was found, what is allowed
 * and what to do next, in one sentence; `docs/errors.md` explains each code (a test keeps the two in step).
 */

/** `input`: the user's mistake (exit code 2). `work`: the work itself failed (exit code 1). */
export type ErrorKind = 'input' | 'work';

/** All codes, with the kind of each and what it stands for. */
export const errorCodes = {
  OPTION_INVALID: { kind: 'input', means: 'an option of a function or of the command line has a value that is not allowed' },
  EXPERIMENT_INVALID: { kind: 'input', means: 'the experiment file has a field that is unknown, missing, or not allowed' },
  FILE_UNREADABLE: { kind: 'input', means: 'a file that was named cannot be opened or read' },
  DATA_INVALID: { kind: 'input', means: 'a data file holds something that is not allowed, at a line and field that the message names' },
  DATA_TOO_SHORT: { kind: 'input', means: 'there are fewer data than the experiment needs' },
  DATA_CHANGED: { kind: 'input', means: 'a data file was changed while it was being learned from' },
  SHAPE_MISMATCH: { kind: 'input', means: 'the shapes of weights, data or options do not fit each other' },
  CHECKPOINT_INVALID: { kind: 'input', means: 'a checkpoint or weights file is damaged or is not what it says' },
  RUN_INVALID: { kind: 'input', means: 'a run directory cannot be used: missing, of another version, or of another experiment' },
  RUN_EXISTS: { kind: 'input', means: 'the run directory already holds a run' },
  RUN_IN_USE: { kind: 'input', means: 'another process trains this run, or may be training it' },
  SWEEP_INVALID: { kind: 'input', means: 'a sweep directory cannot be used: missing, of another version, or of another sweep file' },
  QUEUE_UNREACHABLE: { kind: 'input', means: 'the server of a queue cannot be reached, or refuses who comes' },
  QUEUE_REFUSED: { kind: 'input', means: 'a worker and a sweep do not go together: other versions, other data, or no shared folder' },
  PACKAGE_MISSING: { kind: 'input', means: 'a package that this needs, and that is not installed by itself, is missing' },
  WRITE_FAILED: { kind: 'input', means: 'a file could not be written: the disk is full or the place is not writable' },
  STOPPED: { kind: 'work', means: 'the command was stopped before there was anything to keep' },
  TRAINING_EXPLODED: { kind: 'work', means: 'the gradient exploded, and the guard of the training was to stop it then' },
  GRADIENT_WRONG: { kind: 'work', means: 'a gradient disagrees with central differences' },
  MEMORY_EXHAUSTED: { kind: 'work', means: 'the arrays of this run do not fit into the memory of its backend' },
  THREAD_FAILED: { kind: 'work', means: 'the thread that prepares batches ahead could not be started, or gives no answer' },
  BACKEND_UNAVAILABLE: { kind: 'work', means: 'the engine cannot run the requested backend' },
} as const satisfies Record<string, { kind: ErrorKind; means: string }>;

/** The code of an error; docs/errors.md lists them. */
export type ErrorCode = keyof typeof errorCodes;

/** Where in the user's input the mistake is. Lines count from 1. */
export interface ErrorPlace {
  file?: string;
  line?: number;
  field?: string;
}

/** An error raised on purpose. `message` begins with the place, where there is one: `file:line: field: sentence`. */
export class ThroughtimeError extends Error {
  override readonly name = 'ThroughtimeError';
  readonly code: ErrorCode;
  readonly place: ErrorPlace;
  /** The message without its place. */
  readonly sentence: string;

  constructor(code: ErrorCode, sentence: string, place: ErrorPlace = {}, options?: ErrorOptions) {
    super(`${placePrefix(place)}${sentence}`, options);
    this.code = code;
    this.place = place;
    this.sentence = sentence;
  }

  /** Whether the user's input or the work itself is at fault. */
  get kind(): ErrorKind {
    return errorCodes[this.code].kind;
  }
}

function placePrefix({ file, line, field }: ErrorPlace): string {
  const position = file === undefined ? (line === undefined ? '' : `line ${line}`) : line === undefined ? file : `${file}:${line}`;
  return [position, field ?? '']
    .filter((part) => part !== '')
    .map((part) => `${part}: `)
    .join('');
}
