import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { ThroughtimeError } from '../errors.ts';
import { access, isLoopback } from './access.ts';
import type { RunState } from './answers.ts';
import type { FollowedRun } from './followedRun.ts';
import { pageFile } from './pages.ts';
import { RunList } from './runList.ts';
import { gridAnswer, trialsAnswer } from './trials.ts';

export interface DashboardOptions {
  /** Of run directories, or one itself. */
  readonly folder: string;
  /** Of the built pages. */
  readonly pages: string;
  /** Address to listen on; 127.0.0.1 by default. */
  readonly host?: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Asked for where the address is not a loopback one, and has to be given then. */
  readonly token?: string;
  /** Milliseconds between two looks at the files; 500 by default. */
  readonly every?: number;
}

export interface Dashboard {
  /** To be opened in a browser, with the token where there is one. */
  readonly address: string;
  close(): Promise<void>;
}

/** Most points of a curve that are answered. */
const mostPoints = 4000;
/** Milliseconds between two signs of life on a stream of events. */
const heartbeat = 15_000;

/**
 * Serves the dashboard of the run directories of a folder. It reads and never writes.
 *
 * @throws OPTION_INVALID for an address beyond this machine without a token, or one that cannot be listened on.
 */
export async function serveDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { folder, pages, host = '127.0.0.1', port = 0, token, every = 500 } = options;
  if (!isLoopback(host) && token === undefined) {
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `--host ${host} is reached by other machines, so a token is needed; leave it out or give one`,
    );
  }
  const runs = new RunList(folder);
  const app = new Hono();
  app.use(access({ host, token: isLoopback(host) ? undefined : token }));
  const closing = new AbortController();

  app.get('/api/runs', async (context) => {
    await readAll(runs);
    return context.json({ folder, runs: runs.all.map((run) => run.state()), cut: runs.cut });
  });
  const withRun = (answer: (context: Context, run: FollowedRun) => Response) => async (context: Context) => {
    const name = context.req.query('run') ?? '';
    if (!runs.get(name)) await runs.look();
    const run = runs.get(name);
    if (!run) return context.text('There is no such run.', 404);
    await run.refresh();
    return answer(context, run);
  };
  app.get(
    '/api/run',
    withRun((context, run) => context.json(run.answer())),
  );
  app.get(
    '/api/updates',
    withRun((context, run) => {
      const from = wholeNumber(context.req.query('from'), 1);
      const to = wholeNumber(context.req.query('to'), Number.MAX_SAFE_INTEGER);
      const points = Math.min(mostPoints, wholeNumber(context.req.query('points'), 1000));
      return context.json(run.columns.view(Math.max(1, from), to, Math.max(1, points)));
    }),
  );
  app.get(
    '/api/looks',
    withRun((context, run) => context.json(run.looks.view())),
  );
  app.get(
    '/api/look',
    withRun((context, run) => {
      const look = run.looks.at(wholeNumber(context.req.query('update'), Number.MAX_SAFE_INTEGER));
      return look ? context.json(look) : context.json(null);
    }),
  );
  const summaries = () => runs.all.flatMap((run) => run.summary() ?? []);
  app.get('/api/trials', (context) => {
    const { under = '', metric } = context.req.query();
    return context.json(trialsAnswer(summaries(), under, metric));
  });
  app.get('/api/grid', (context) => {
    const { under = '', metric, x = '', y } = context.req.query();
    try {
      return context.json(gridAnswer(summaries(), { under, metric, x, y }) ?? null);
    } catch (cause) {
      if (cause instanceof ThroughtimeError) return context.text(cause.message, 400);
      throw cause;
    }
  });
  app.get('/api/follow', (context) =>
    streamSSE(context, async (stream) => {
      const told = new Map<string, string>();
      let spoken = performance.now();
      while (!stream.aborted && !closing.signal.aborted) {
        await readAll(runs);
        const changed = runs.all.map((run) => run.state()).filter((state) => told.get(state.run) !== stampOf(state));
        const gone = [...told.keys()].filter((name) => !runs.get(name));
        if (changed.length > 0 || gone.length > 0 || performance.now() - spoken > heartbeat) {
          await stream.writeSSE({ event: 'runs', data: JSON.stringify({ changed, gone, cut: runs.cut }) });
          spoken = performance.now();
        }
        for (const state of changed) told.set(state.run, stampOf(state));
        for (const name of gone) told.delete(name);
        await pause(every, closing.signal);
      }
    }),
  );
  app.get('/lab', (context) => context.redirect('/lab/'));
  app.get('*', async (context) => {
    const file = await pageFile(pages, context.req.path);
    return file ? context.body(file.content, 200, { 'Content-Type': file.type }) : context.text('There is nothing here.', 404);
  });

  const server = await listening(app, host, port);
  // What is there is read before it is asked for; what goes wrong is said to whoever asks.
  readAll(runs).catch(() => {});
  const { port: taken } = server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  return {
    address: `http://${shown}:${taken}/${token === undefined || isLoopback(host) ? '' : `?token=${encodeURIComponent(token)}`}`,
    close: () =>
      new Promise((resolve) => {
        closing.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Reads what is new in all runs, those that have come included. */
async function readAll(runs: RunList): Promise<void> {
  await runs.look();
  await Promise.all(runs.all.map((run) => run.refresh()));
}

const stampOf = ({ versions: { updates, looks, run } }: RunState) => `${updates} ${looks} ${run}`;

function listening(app: Hono, hostname: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname, port }, () => resolve(server)) as Server;
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE' ? 'is used by another program; choose another --port' : `cannot be listened on: ${cause.message}`;
      reject(new ThroughtimeError('OPTION_INVALID', `${hostname}:${port} ${why}`, {}, { cause }));
    });
  });
}

function wholeNumber(text: string | undefined, otherwise: number): number {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}

const pause = (milliseconds: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
