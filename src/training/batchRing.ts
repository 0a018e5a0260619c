import type { Precision, Reals } from '../compute/backend.ts';
import type { Dataset } from '../data/dataset.ts';
import { type ErrorCode, type ErrorPlace, ThroughtimeError } from '../errors.ts';
import { allocateBatch, type Batch, type InputShape, type TargetShape } from '../network/batch.ts';
import type { BatchOrder, Place } from './batchOrder.ts';

/** Batches that are filled ahead: while one is used, the next may be waiting already and the one after it being filled. */
const depth = 3;

/** What both threads need to know of a ring: a value that can be sent. */
export interface RingSetup {
  readonly memory: SharedArrayBuffer;
  readonly input: InputShape;
  readonly target: TargetShape;
  /** The largest window. */
  readonly T: number;
  readonly B: number;
  readonly precision: Precision;
}

/** Words of control. Both bells are rung (raised by one) after a change, and are what the other thread sleeps on. */
const word = {
  /** Rung by the one who takes. */
  asked: 0,
  /** Rung by the one who fills. */
  filledBell: 1,
  /** How often the filling was begun anew, and from which place the last time. */
  request: 2,
  epoch: 3,
  batch: 4,
  window: 5,
  /** Batches taken since then. */
  taken: 6,
  /** Batches filled since the request that is being served. */
  filled: 7,
  serving: 8,
  count: 16,
} as const;

/** Words of each batch beside its arrays. */
const slotWord = {
  T: 0,
  B: 1,
  counted: 2,
  epoch: 3,
  batch: 4,
  window: 5,
  /** Bytes of the error's text; 0 for none. */ error: 6,
  count: 16,
} as const;
/** Bytes of an error's text. */
const errorBytes = 2 ** 14;
/** Milliseconds of a sleep, and how many of them in a row may bring nothing. A machine that was suspended misses one. */
const nap = 1000;
const mostNaps = 300;

interface Slot {
  readonly words: Int32Array;
  readonly error: Uint8Array;
  readonly batch: Batch;
}

/** Makes room for a ring. @throws MEMORY_EXHAUSTED where the engine has not that much. */
export function ringSetup(dataset: Dataset, room: { readonly T: number; readonly B: number }, precision: Precision): RingSetup {
  const { input, target } = dataset;
  const shape = { input, target, ...room, precision };
  const measure = new Layout(undefined, precision);
  layOut(measure, shape);
  try {
    return { ...shape, memory: new SharedArrayBuffer(measure.bytes) };
  } catch (cause) {
    const sentence = `${depth} batches prepared ahead take ${(measure.bytes / 2 ** 20).toFixed(1)} MiB, which the engine refuses to give; prepare them inline`;
    throw new ThroughtimeError('MEMORY_EXHAUSTED', sentence, {}, { cause });
  }
}

function layOut(layout: Layout, { input, target, T, B }: Omit<RingSetup, 'memory'>): { words: Int32Array; slots: Slot[] } {
  const words = layout.allocateIndices(word.count);
  const slots = Array.from({ length: depth }, () => ({
    words: layout.allocateIndices(slotWord.count),
    error: layout.allocateBytes(errorBytes),
    batch: allocateBatch(layout, input, target, T, B),
  }));
  return { words, slots };
}

/** Hands out parts of a memory one after the other; without one, only counts them. */
class Layout {
  readonly #memory: SharedArrayBuffer | undefined;
  readonly #precision: Precision;
  bytes = 0;

  constructor(memory: SharedArrayBuffer | undefined, precision: Precision) {
    this.#memory = memory;
    this.#precision = precision;
  }

  allocate(length: number): Reals {
    const wide = this.#precision === 'float64';
    const at = this.#take(length * (wide ? 8 : 4));
    if (!this.#memory) return new Float32Array(0);
    return wide ? new Float64Array(this.#memory, at, length) : new Float32Array(this.#memory, at, length);
  }

  allocateIndices(length: number): Int32Array {
    const at = this.#take(length * 4);
    return this.#memory ? new Int32Array(this.#memory, at, length) : new Int32Array(0);
  }

  allocateBytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#memory ? new Uint8Array(this.#memory, at, length) : new Uint8Array(0);
  }

  #take(bytes: number): number {
    const at = this.bytes;
    this.bytes += Math.ceil(bytes / 64) * 64;
    return at;
  }
}

/**
 * Fills batches for ever, in the order's order from where the other side asks for it, as long as there is room. An error becomes the batch at
 * its place, and the filling goes on after it only when it is begun anew.
 */
export function fillRing(setup: RingSetup, dataset: Dataset, order: BatchOrder): never {
  const { words, slots } = layOut(new Layout(setup.memory, setup.precision), setup);
  let serving = 0;
  let filled = 0;
  let failed = false;
  for (;;) {
    const asked = Atomics.load(words, word.asked);
    const request = Atomics.load(words, word.request);
    if (request !== serving) {
      order.place = placeAt(words, word.epoch);
      serving = request;
      filled = 0;
      failed = false;
      Atomics.store(words, word.filled, 0);
      Atomics.store(words, word.serving, serving);
    }
    if (serving === 0 || failed || filled - Atomics.load(words, word.taken) >= depth) {
      Atomics.wait(words, word.asked, asked);
      continue;
    }
    const { window } = order;
    if (window) {
      const slot = slots[filled % depth];
      failed = !fillSlot(slot, dataset, order, window);
      Atomics.store(words, word.filled, ++filled);
      Atomics.add(words, word.filledBell, 1);
      Atomics.notify(words, word.filledBell);
    }
    order.advance();
  }
}

function fillSlot(slot: Slot, dataset: Dataset, order: BatchOrder, window: { begin: number; end: number; countFrom: number }): boolean {
  const { words, batch } = slot;
  words[slotWord.error] = 0;
  try {
    dataset.copy({ sequences: order.sequences, ...window }, batch);
    words[slotWord.T] = batch.T;
    words[slotWord.B] = batch.B;
    words[slotWord.counted] = batch.counted;
  } catch (cause) {
    words[slotWord.error] = writeError(cause, slot.error);
  }
  const { epoch, batch: index, window: windowIndex } = order.place;
  words[slotWord.epoch] = epoch;
  words[slotWord.batch] = index;
  words[slotWord.window] = windowIndex;
  return words[slotWord.error] === 0;
}

/** The side of a ring that takes the filled batches. */
export class RingTaker {
  readonly #words: Int32Array;
  readonly #slots: readonly Slot[];
  #request = 0;
  #taken = 0;

  constructor(setup: RingSetup) {
    const { words, slots } = layOut(new Layout(setup.memory, setup.precision), setup);
    this.#words = words;
    this.#slots = slots;
  }

  /**
   * Copies the batch at the order's place; waits for it where it is not filled yet.
   *
   * @throws what the filling threw; THREAD_FAILED where the other thread gives no answer.
   */
  take(order: BatchOrder, into: Batch): void {
    const { place } = order;
    if (this.#request === 0) this.#begin(place);
    let slot = this.#wait();
    if (!isAt(slot.words, place)) {
      // The training has been taken up elsewhere.
      this.#begin(place);
      slot = this.#wait();
      if (!isAt(slot.words, place)) throw new Error('both threads must follow the same order');
    }
    if (slot.words[slotWord.error] > 0) {
      const cause = readError(slot);
      // Whoever asks again after an error has it tried again.
      this.#request = 0;
      throw cause;
    }
    copySlot(slot, into);
    Atomics.store(this.#words, word.taken, ++this.#taken);
    this.#ring();
  }

  #begin({ epoch, batch, window }: Place): void {
    const words = this.#words;
    words[word.epoch] = epoch;
    words[word.batch] = batch;
    words[word.window] = window;
    this.#taken = 0;
    Atomics.store(words, word.taken, 0);
    this.#request = Atomics.add(words, word.request, 1) + 1;
    this.#ring();
  }

  #ring(): void {
    Atomics.add(this.#words, word.asked, 1);
    Atomics.notify(this.#words, word.asked);
  }

  /** The next batch, once it is filled. */
  #wait(): Slot {
    const words = this.#words;
    for (let naps = 0; ; ) {
      const bell = Atomics.load(words, word.filledBell);
      if (Atomics.load(words, word.serving) === this.#request && Atomics.load(words, word.filled) > this.#taken) {
        return this.#slots[this.#taken % depth];
      }
      if (Atomics.wait(words, word.filledBell, bell, nap) !== 'timed-out') continue;
      if (++naps < mostNaps) continue;
      const seconds = (mostNaps * nap) / 1000;
      const sentence = `the thread that prepares batches has given no answer for ${seconds} s; go on with the run, or with --prepare inline`;
      throw new ThroughtimeError('THREAD_FAILED', sentence);
    }
  }
}

function placeAt(words: Int32Array, at: number): Place {
  return { epoch: words[at], batch: words[at + 1], window: words[at + 2] };
}

function isAt(words: Int32Array, { epoch, batch, window }: Place): boolean {
  return words[slotWord.epoch] === epoch && words[slotWord.batch] === batch && words[slotWord.window] === window;
}

/** What has been filled of a batch's arrays, into those of another. */
function copySlot({ words, batch: from }: Slot, into: Batch): void {
  const T = words[slotWord.T];
  const B = words[slotWord.B];
  const counted = words[slotWord.counted];
  into.T = T;
  into.B = B;
  into.counted = counted;
  into.lengths.set(from.lengths.subarray(0, B));
  if (from.input.kind === 'vectors') into.vectors.set(from.vectors.subarray(0, T * B * from.input.size));
  else into.symbols.set(from.symbols.subarray(0, T * B));
  into.rows.set(from.rows.subarray(0, counted));
  if (from.target.kind === 'classes') into.classes.set(from.classes.subarray(0, counted));
  else into.values.set(from.values.subarray(0, counted * from.target.size));
}

interface WrittenError {
  readonly code: ErrorCode;
  readonly sentence: string;
  readonly place: ErrorPlace;
}

/** @returns how many bytes it takes. */
function writeError(cause: unknown, bytes: Uint8Array): number {
  const { code, sentence, place }: WrittenError =
    cause instanceof ThroughtimeError
      ? cause
      : { code: 'THREAD_FAILED', sentence: `the thread that prepares batches failed: ${String(cause)}; report this`, place: {} };
  // An engine writes no text into shared memory.
  const text = new TextEncoder().encode(JSON.stringify({ code, sentence: sentence.slice(0, 2000), place }));
  bytes.set(text);
  return text.length;
}

function readError({ words, error }: Slot): ThroughtimeError {
  const { code, sentence, place } = JSON.parse(new TextDecoder().decode(error.slice(0, words[slotWord.error]))) as WrittenError;
  return new ThroughtimeError(code, sentence, place);
}
