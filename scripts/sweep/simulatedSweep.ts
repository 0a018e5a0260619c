/** Submits a sweep of so many simulated trials to a queue and follows it; prints seconds and the memory of this process. Started by measure.ts. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { QueueHands } from '../../src/sweep/hands/queueHands.ts';
import { openServer } from '../../src/sweep/queue/connection.ts';
import { runSweep } from '../../src/sweep/runSweep.ts';
import { readSweep } from '../../src/sweep/sweepFile.ts';

const [redis, folder, program, trials] = process.argv.slice(2);
const file = path.join(folder, `simulated-${trials}.json`);
const sweep = {
  ...{ name: `simulated-${trials}`, verdicts: false, search: { random: { trials: Number(trials) } } },
  base: {
    name: 'simulated',
    data: { kind: 'task', name: 'adding', length: 10 },
    model: { cell: 'rnn', hiddenSize: 8 },
  },
  axes: { 'training.learningRate': { logRange: [1e-4, 1] } },
};
writeFileSync(file, JSON.stringify(sweep));
const began = performance.now();
const read = readSweep(file);
const checked = performance.now();
const before = process.memoryUsage.rss();
let largest = before;
const watch = setInterval(() => {
  largest = Math.max(largest, process.memoryUsage.rss());
}, 50);
const result = await runSweep({
  ...{ read, out: path.join(folder, sweep.name), program },
  hands: async (parts) => new QueueHands(parts, await openServer(redis, () => {})),
});
clearInterval(watch);
const ended = performance.now();
const answer = { checkSeconds: (checked - began) / 1000, seconds: (ended - checked) / 1000, before, largest, trials: result.trials };
process.stdout.write(JSON.stringify(answer));
