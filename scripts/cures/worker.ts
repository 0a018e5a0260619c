/** A process that makes trainings of the table, one after the other, as `table.ts` sends them. */

import { run } from './run.ts';

process.on('message', async ({ row, task, seed, seconds }: { row: string; task: string; seed: number; seconds: number }) => {
  const result = await run(row, task, seed, seconds, (line) => process.stderr.write(`${line}\n`));
  process.send?.(result);
});
