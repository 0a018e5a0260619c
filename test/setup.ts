/**
 * Loaded before every test file: property tests draw from one seed, so that a run can be repeated. Another seed:
 * `THROUGHTIME_SEED=5 npm test`.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.THROUGHTIME_SEED ?? 1) });
