import type { Redis } from 'ioredis';
import { ThroughtimeError } from '../../errors.ts';

/** The packages of the queue, which are installed only where it is used. */
export interface QueuePackages {
  readonly bullmq: Pick<typeof import('bullmq'), 'Queue' | 'Worker' | 'WaitingError'>;
  readonly ioredis: Pick<typeof import('ioredis'), 'Redis'>;
}

/** @throws PACKAGE_MISSING where they are not installed. */
export async function loadPackages(): Promise<QueuePackages> {
  try {
    const [bullmq, ioredis] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { bullmq, ioredis };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    const sentence =
      '--redis needs the packages bullmq and ioredis, which are not installed; install them with: npm install bullmq ioredis';
    throw new ThroughtimeError('PACKAGE_MISSING', sentence, {}, { cause });
  }
}

/** Environment variable of the password, where it is not in the address, which others on the machine can read. */
export const passwordVariable = 'THROUGHTIME_REDIS_PASSWORD';

/** The server of a queue. */
export interface QueueServer {
  /** Host and port, without anything secret. */
  readonly name: string;
  /** Another connection to it, that waits for it to come back whenever it is away. */
  connect(): Redis;
  readonly packages: QueuePackages;
}

/** Milliseconds until a server that gives no answer counts as unreachable, when a command begins. */
const patience = 5000;

/**
 * Finds the server of a queue and makes sure that it answers.
 *
 * @param address `redis://[user:password@]host:port[/number]`, or `rediss://` for TLS. It is never told to anyone.
 * @throws OPTION_INVALID, PACKAGE_MISSING, QUEUE_UNREACHABLE.
 */
export async function openServer(address: string, told: (sentence: string) => void): Promise<QueueServer> {
  const name = nameOf(address);
  const packages = await loadPackages();
  const { Redis } = packages.ioredis;
  const password = process.env[passwordVariable];
  const options = { maxRetriesPerRequest: null, ...(password ? { password } : {}) };
  const probe = new Redis(address, { ...options, lazyConnect: true, retryStrategy: () => null, connectTimeout: patience });
  let said: Error | undefined;
  probe.on('error', (error: Error) => {
    said = error;
  });
  try {
    await probe.connect();
    await probe.ping();
  } catch (cause) {
    throw unreachable(name, said ?? (cause as Error));
  } finally {
    probe.disconnect();
  }
  let away = 0;
  const connect = () => {
    const connection = new Redis(address, { ...options, retryStrategy: (times) => Math.min(2000, 100 * times) });
    let gone = false;
    // Without a listener, an error of the connection would end the process.
    connection.on('error', () => {
      if (gone) return;
      gone = true;
      if (away++ === 0) told(`The queue at ${name} does not answer; waiting for it.`);
    });
    connection.on('ready', () => {
      if (!gone) return;
      gone = false;
      if (--away === 0) told(`The queue at ${name} is back.`);
    });
    return connection;
  };
  return { name, connect, packages };
}

/** @throws OPTION_INVALID, which does not repeat the address: there may be a password in it. */
function nameOf(address: string): string {
  const wrong = '--redis must be an address such as redis://host:6379, or rediss://host:6379 for TLS; correct it';
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new ThroughtimeError('OPTION_INVALID', wrong);
  }
  if ((url.protocol !== 'redis:' && url.protocol !== 'rediss:') || url.hostname === '') throw new ThroughtimeError('OPTION_INVALID', wrong);
  return `${url.hostname}:${url.port || '6379'}`;
}

function unreachable(name: string, { message, ...rest }: Error & { code?: string }): ThroughtimeError {
  const refuse = (sentence: string) => new ThroughtimeError('QUEUE_UNREACHABLE', sentence);
  if (/^(WRONGPASS|ERR invalid password|ERR AUTH)/.test(message))
    return refuse(`the queue at ${name} refuses the password; correct it in --redis or ${passwordVariable}`);
  if (/^NOAUTH/.test(message)) return refuse(`the queue at ${name} asks for a password; give it in --redis or ${passwordVariable}`);
  if (/^NOPERM/.test(message)) return refuse(`the queue at ${name} does not let this user do what is needed; ask who runs it`);
  const why = reasons[rest.code ?? ''] ?? (/ETIMEDOUT|timeout/i.test(message) ? 'it gives no answer' : message);
  return refuse(`the queue at ${name} cannot be reached: ${why}; check the address, and that the server runs`);
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up',
  ECONNRESET: 'it ends the connection; a server with TLS needs rediss://',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself; name the authority in NODE_EXTRA_CA_CERTS',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an unknown authority; name it in NODE_EXTRA_CA_CERTS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an unknown authority; name it in NODE_EXTRA_CA_CERTS',
};
