/**
 * Bytes that stay where they are and are read by position: those of a file (`run/fileSource.ts`), or of an array. A browser
 * could make one of a Blob.
 */
export interface ByteSource {
  readonly size: number;
  /**
   * Fills the first `length` elements of `into` with the bytes from `position` on.
   *
   * @throws FILE_UNREADABLE where they cannot be read, DATA_CHANGED where they are no longer there.
   */
  read(position: number, into: Uint8Array, length: number): void;
  /** @throws DATA_CHANGED where the bytes may have become others since the source was opened. */
  verify(): void;
  /** By which another thread opens the same bytes: a value that can be sent to it. Absent where there is none. */
  readonly handle?: unknown;
  /** Gives back what the source holds open. */
  close?(): void;
}

/** The bytes of an array. */
export function heldBytes(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (position, into, length) => into.set(bytes.subarray(position, position + length)),
    verify: () => {},
  };
}

/** Bytes of data that are kept in memory; what needs more is read from a file, by position. */
export const mostHeldBytes = 64 * 2 ** 20;
