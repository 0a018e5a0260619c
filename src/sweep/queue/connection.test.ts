import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import { openServer } from './connection.ts';

test('where the packages of the queue are not installed, it is said how to install them', async (context) => {
  const hooks = registerHooks({
    resolve(name, parent, next) {
      if (name === 'bullmq') throw Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });
      return next(name, parent);
    },
  });
  context.after(() => hooks.deregister());
  await assert.rejects(
    openServer('redis://127.0.0.1:1', () => {}),
    {
      code: 'PACKAGE_MISSING',
      message: '--redis needs the packages bullmq and ioredis, which are not installed; install them with: npm install bullmq ioredis',
    },
  );
});
