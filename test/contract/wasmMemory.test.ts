/** What only the wasm backend has to keep: alignment, views that survive growth, and a clear end of memory. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reservedBytes } from '../../src/compute/wasm/kernels.generated.ts';
import { compileKernels, instantiateKernels } from '../../src/compute/wasm/kernels.ts';
import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { ThroughtimeError } from '../../src/errors.ts';

const backend = await wasmBackend();

test('every array begins at a multiple of 64 bytes, beyond the constants of the kernels', () => {
  for (const length of [1, 15, 16, 17, 0, 3]) {
    const { byteOffset } = backend.allocate(length);
    assert.equal(byteOffset % 64, 0);
    assert.ok(byteOffset >= reservedBytes);
  }
});

test('the constants of both modules lie within the bytes reserved for them', async () => {
  for (const relaxed of [true, false]) {
    const { module } = await compileKernels(relaxed);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    const end = (await instantiateKernels(module, memory)).constantsEnd();
    assert.ok(end > 0 && end <= reservedBytes, `they end at ${end}`);
  }
});

test('views made before the memory grew hold the same numbers after, and kernels see them', () => {
  const mark = backend.mark();
  const before = backend.allocate(8).fill(3);
  const after = backend.allocate(20_000_000);
  assert.ok(before.buffer.byteLength < after.buffer.byteLength);
  assert.deepEqual([...before], Array(8).fill(3));
  backend.scale(before, 0, 8, 2);
  backend.add(before, 0, after, 19_999_990, 8);
  assert.deepEqual([...before], Array(8).fill(6));
  assert.equal(after[19_999_997], 6);
  backend.release(mark);
});

test('beyond 4 GiB: MEMORY_EXHAUSTED with the numbers, and the backend stays usable', () => {
  const isExhausted = (error: unknown) =>
    error instanceof ThroughtimeError && error.code === 'MEMORY_EXHAUSTED' && /6103\.5 MiB more/.test(error.message);
  assert.throws(() => backend.allocate(1_600_000_000), isExhausted);
  assert.equal(backend.allocate(4).length, 4);
});

test('the module is relaxed by choice of the engine, or as demanded', async () => {
  assert.match((await wasmBackend({ relaxed: true })).detail, /relaxed fused multiply-add/);
  assert.match((await wasmBackend({ relaxed: false })).detail, /without fused multiply-add/);
});
