/** Builds the lab into a folder that any static host can serve, dist/pages/lab, and shows it here: `npm run lab [-- port]`. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { serveDashboard } from '../src/server/dashboardServer.ts';
import { buildPages } from './pages.ts';

const pages = path.resolve(import.meta.dirname, '../dist/pages');
const runs = path.resolve(import.meta.dirname, '../runs');
await buildPages(pages);
mkdirSync(runs, { recursive: true });
const { address } = await serveDashboard({ folder: runs, pages, port: Number(process.argv[2] ?? 0) });
process.stdout.write(`The lab is in ${path.join(pages, 'lab')}, and shown at ${address}lab/ until Ctrl-C.\n`);
