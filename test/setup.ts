/**
 * Loaded before every test file: property tests draw from one seed, so that a run can be repeated. Another seed:
 * `THROUGHTIME_SEED=5 npm test`. What is measured of the machine's libraries goes into a cache of the tests' own.
 */
import { fileURLToPath } from 'node:url';
import '../scripts/freshKernels.ts';
import fc from 'fast-check';

process.env.XDG_CACHE_HOME ??= fileURLToPath(new URL('../node_modules/.cache', import.meta.url));

fc.configureGlobal({ seed: Number(process.env.THROUGHTIME_SEED ?? 1) });
