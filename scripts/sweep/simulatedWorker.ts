/** A worker that trains nothing: it answers each trial at once with a loss that follows from its number. Started by measure.ts. */
import { openServer } from '../../src/sweep/queue/connection.ts';
import { serve } from '../../src/sweep/queue/serve.ts';

const [redis, shared, program, jobs] = process.argv.slice(2);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
await serve({
  server: await openServer(redis, () => {}),
  ...{ program, shared, folder: shared, jobs: Number(jobs), memory: Infinity, lockSeconds: 30, signal: stop.signal, told: () => {} },
  perform: async ({ experiment }) => ({
    ...{
      outcome: 'done',
      updates: experiment.training.updates,
      loss: Math.abs(Math.log(experiment.training.learningRate / 0.01)),
      metric: null,
    },
    ...{ seconds: 0, explosion: false, verdict: null, sick: null },
  }),
});
