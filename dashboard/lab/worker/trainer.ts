/** The thread that a network is trained in: it takes one order at a time, and a new one ends the one before. */
import { wasmBackend } from '../../../src/index.ts';
import type { Order, Told } from './messages.ts';
import { train } from './training.ts';

let current = -1;
const thread = globalThis as unknown as {
  onmessage: (event: MessageEvent<Order | { readonly stop: true }>) => void;
  postMessage(told: Told): void;
};

thread.onmessage = ({ data }) => {
  if ('stop' in data) {
    current = -1;
    return;
  }
  current = data.order;
  queue = queue.then(() => (current === data.order ? follow(data) : undefined));
};

/** Orders wait for the one before to leave, which it does at its next piece of news. */
let queue: Promise<void> = Promise.resolve();
let opened: ReturnType<typeof wasmBackend> | undefined;

async function follow({ order, setup, network, file }: Order): Promise<void> {
  try {
    opened ??= wasmBackend({ threads: 1 });
    const backend = await opened;
    const mark = backend.mark();
    try {
      for await (const news of train(backend, setup, network, file)) {
        if (current !== order) return;
        thread.postMessage({ ...news, order });
        // Lets orders in.
        await new Promise((resolve) => setTimeout(resolve));
      }
    } finally {
      backend.release(mark);
    }
  } catch (cause) {
    thread.postMessage({ kind: 'failed', because: (cause as Error).message, order });
  }
}
