import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The server of this machine, Redis or Valkey; undefined where there is none. */
export const serverProgram = ['redis-server', 'valkey-server'].find((name) => spawnSync(name, ['--version']).status === 0);

/** Why tests with a server are left out; false where they are not. */
export const withoutServer: string | false =
  serverProgram === undefined && 'there is no redis-server; install Debian’s redis-server, or Valkey, to run this';

export interface RunningServer {
  readonly port: number;
  /** Stops it in good order, so that its append-only file is whole, and starts it again on the same port. @param meanwhile what is done between. */
  restart(pause: number, meanwhile?: () => void): Promise<void>;
  stop(): Promise<void>;
}

/** A server on loopback that keeps what it is told in an append-only file. */
export async function startServer(folder: string, extra: readonly string[] = []): Promise<RunningServer> {
  const port = await freePort();
  const start = async (): Promise<ChildProcess> => {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes', '--save', '', ...extra];
    const child = spawn(serverProgram as string, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    for await (const text of (child.stdout as NonNullable<typeof child.stdout>).setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      said += text;
      if (/Ready to accept connections/i.test(said)) break;
    }
    child.stdout?.resume();
    return child;
  };
  let child = await start();
  const stop = async () => {
    if (child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };
  return {
    port,
    stop,
    async restart(pause, meanwhile) {
      await stop();
      meanwhile?.();
      await sleep(pause);
      child = await start();
    },
  };
}

/** A port of loopback that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
