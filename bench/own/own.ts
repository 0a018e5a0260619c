/** Our side of the training step, as a process: `node bench/own/own.ts <backend> <threads>`, then serve.ts' requests on stdin. */
import { readFileSync } from 'node:fs';
import { serve } from '../serve.ts';
import { openOwn } from './backends.ts';
import { trainingStep } from './step.ts';

const [name, threads] = process.argv.slice(2);
const backend = await openOwn(name, Number(threads));
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
await serve(`${version}, ${backend.detail}`, async (workload) => trainingStep(backend, workload));
