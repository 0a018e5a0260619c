/** The other end of a SideProcess, for sides that run under Node. */
import { createInterface } from 'node:readline';
import type { Steps } from './alternate.ts';
import type { Workload } from './workload.ts';

/** Makes one training step and returns its loss. */
export type Step = () => number | Promise<number>;

/**
 * Says hello and answers requests until stdin ends: `{ prepare: workload }` makes a new `Step`, `{ steps: n }` makes n of them and
 * answers with `Steps` and the last loss. What the libraries print goes to stderr.
 */
export async function serve(version: string, prepare: (workload: Workload) => Promise<Step>): Promise<never> {
  console.log = console.info = console.warn = console.error;
  const say = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  say({ version });
  let step: Step | undefined;
  for await (const line of createInterface(process.stdin)) {
    const request = JSON.parse(line) as { prepare?: Workload; steps?: number };
    try {
      if (request.prepare) {
        step = await prepare(request.prepare);
        say({ ready: true });
      } else if (step) {
        say(await timed(step, request.steps ?? 1));
      } else {
        say({ error: 'steps were asked for before a workload' });
      }
    } catch (error) {
      say({ error: (error as Error).message });
    }
  }
  process.exit(0);
}

async function timed(step: Step, count: number): Promise<Steps & { loss: number }> {
  const milliseconds: number[] = [];
  const before = process.cpuUsage();
  let loss = Number.NaN;
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    const result = step();
    loss = typeof result === 'number' ? result : await result;
    milliseconds.push(performance.now() - began);
  }
  const { user, system } = process.cpuUsage(before);
  if (!Number.isFinite(loss)) throw new Error(`its loss is ${loss}`);
  return { milliseconds, cpu: (user + system) / 1000, loss };
}
