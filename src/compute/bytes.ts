import { ThroughtimeError } from '../errors.ts';

/** A size in bytes: a number, or a text such as `256MB`, `1.5 GiB` or `65536`. */
export type ByteSize = number | string;

/** k, M, G are powers of 1000; Ki, Mi, Gi are powers of 1024. */
const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** @throws OPTION_INVALID where it is no size above 0. */
export function bytesOf(size: ByteSize): number {
  const [, digits, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(String(size)) ?? [];
  const factor = units[unit?.toLowerCase() ?? 'none'];
  const bytes = Math.floor(Number(digits) * (factor ?? Number.NaN));
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new ThroughtimeError(
    'OPTION_INVALID',
    `must be a size above 0, in bytes or with one of kB, MB, GB, KiB, MiB, GiB, such as "256MB", got ${JSON.stringify(size)}`,
  );
}

/** In MB, with as many digits as tell something; in kB below one, in GB from a thousand on. Rounded up. */
export function showBytes(bytes: number): string {
  const [unit, factor] = bytes < 1e6 ? ['kB', 1e3] : bytes < 1e9 ? ['MB', 1e6] : ['GB', 1e9];
  const value = bytes / factor;
  const digits = value < 10 ? 100 : value < 100 ? 10 : 1;
  return `${Math.ceil(value * digits) / digits} ${unit}`;
}
