/**
 * The product of two large square matrices by one of our backends, as a process: `node bench/own/product.ts <backend> <threads>`. With
 * the backend `blas`, it is what `sgemm` of the machine's library reaches.
 */
import { Random } from '../../src/compute/random.ts';
import { serve } from '../serve.ts';
import { openOwn } from './backends.ts';

/** Rows and columns. */
export const squareSize = 1024;

if (import.meta.main) {
  const [name, threads] = process.argv.slice(2);
  const backend = await openOwn(name, Number(threads));
  const n = squareSize;
  const random = new Random(1);
  const [a, b, c] = Array.from({ length: 3 }, () => backend.allocate(n * n));
  for (let i = 0; i < n * n; i++) {
    a[i] = random.normal();
    b[i] = random.normal();
  }
  const packed = backend.allocatePacked(n, n, n);
  backend.pack(b, 0, n, 1, packed);
  await serve(backend.detail, async () => () => {
    backend.multiply(a, 0, n, n, packed, c, 0, n, false);
    return 0;
  });
}
