import { ThroughtimeError } from '../../errors.ts';

/** Bytes of a WebAssembly page. */
const PAGE = 65536;
/** Every array begins at a cache line. */
const ALIGNMENT = 64;
/** The memory grows by at least this many pages (4 MiB). */
const GROWTH = 64;
/** Pages of the largest memory, tried in this order: 4 GiB, and less where the engine has not the address space. */
const MAXIMA = [65536, 32768, 16384];

/**
 * One shared WebAssembly memory with a stack of arrays in it. Views keep pointing at the same bytes when the memory grows,
 * since a shared buffer is never moved or detached.
 */
export class StackMemory {
  readonly memory: WebAssembly.Memory;
  readonly #maximum: number;
  #top: number;
  /** Everything from here on has never been handed out and is still zero. */
  #untouched: number;

  /** @param reserved bytes at the start that are never handed out. */
  constructor(reserved: number) {
    const pages = Math.ceil(reserved / PAGE);
    const { memory, maximum } = createMemory(pages);
    this.memory = memory;
    this.#maximum = maximum * PAGE;
    this.#top = pages * PAGE;
    this.#untouched = this.#top;
  }

  /** Address of `bytes` zeroed bytes. */
  allocateBytes(bytes: number): number {
    const at = this.#top;
    const end = at + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    if (end > this.memory.buffer.byteLength) this.#grow(end);
    const usedBefore = Math.min(end, this.#untouched);
    if (at < usedBefore) new Uint8Array(this.memory.buffer, at, usedBefore - at).fill(0);
    this.#top = end;
    this.#untouched = Math.max(this.#untouched, end);
    return at;
  }

  mark(): number {
    return this.#top;
  }

  release(mark: number): void {
    this.#top = mark;
  }

  /** Bytes between the present top and the end of the largest memory. */
  room(): number {
    return this.#maximum - this.#top;
  }

  #grow(end: number): void {
    const present = this.memory.buffer.byteLength;
    let reason = `a WebAssembly memory ends at ${mebibytes(this.#maximum)} MiB in this engine`;
    let cause: unknown;
    if (end <= this.#maximum) {
      const needed = Math.ceil((end - present) / PAGE);
      try {
        this.memory.grow(Math.min(Math.max(needed, GROWTH), (this.#maximum - present) / PAGE));
        return;
      } catch (error) {
        reason = 'the engine refuses to give more';
        cause = error;
      }
    }
    const sizes = `${mebibytes(end - this.#top)} MiB more are needed beside the ${mebibytes(this.#top)} MiB in use`;
    const advice = 'take a smaller batch, a shorter window or fewer hidden units';
    throw new ThroughtimeError('MEMORY_EXHAUSTED', `${sizes}, and ${reason}; ${advice}`, {}, { cause });
  }
}

function createMemory(initial: number): { memory: WebAssembly.Memory; maximum: number } {
  let cause: unknown;
  for (const maximum of MAXIMA) {
    try {
      return { memory: new WebAssembly.Memory({ initial, maximum, shared: true }), maximum };
    } catch (error) {
      cause = error;
    }
  }
  throw new ThroughtimeError(
    'BACKEND_UNAVAILABLE',
    `the engine gives no shared WebAssembly memory of ${mebibytes(MAXIMA[MAXIMA.length - 1] * PAGE)} MiB; use the backend \`scalar\``,
    {},
    { cause },
  );
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
