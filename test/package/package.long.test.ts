/**
 * The package as its users get it: packed, looked at by the linters of packages, installed in an empty project, where its types check, and
 * where it runs in Node and in a page that Vite has bundled.
 */

import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import type { Browser } from 'playwright-core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { launch, skipped } from '../browser/browser.ts';
import { install, pack, root, run, temporary } from './packed.ts';

/** Bytes that the tarball may weigh. */
const mostBytes = 1_600_000;

/** The Long Term Support line before the one that is developed with, and the compiler before the present one. */
const previousNode = '22.23.3';
const previousTypescript = '5.9.3';
const viteVersion = '8.3.8';

const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const training = `
  const backend = await wasmBackend({ threads: 2 });
  const data = makeTask({ kind: 'task', name: 'recall', lag: 2, trainSequences: 200 });
  const model = { cell: 'gru', hiddenSize: 16 };
  const network = new Network(backend, model, data.train.input, data.train.target.size);
  initialize(network, model, 0);
  const trainer = new Trainer(network, data.train, { ...trainingDefaults, updates: 60, learningRate: 0.02 });
  const losses = [];
  while (!trainer.done) losses.push(trainer.step().loss);
  const { norm, clippedNorm } = makeClip({ globalNorm: 1 })([new Float64Array([3, 4])]);
  const answer = { first: losses[0], last: losses[59], threads: backend.threads, norm, clippedNorm };`;
const imports = `import { initialize, makeClip, makeTask, Network, Trainer, trainingDefaults, wasmBackend } from 'throughtime';`;
const nodeProgram = `${imports} ${training} process.stdout.write(JSON.stringify(answer));`;
const page = `${imports} ${training} globalThis.answer = answer;`;
const clipPage = `
  import { makeClip } from 'throughtime';
  const { norm, clippedNorm } = makeClip({ globalNorm: 1 })([new Float64Array([3, 4])]);
  globalThis.answer = { norm, clippedNorm: Number(clippedNorm.toFixed(6)) };`;
const tensorflowPage = `
  import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
  import '@tensorflow/tfjs-backend-cpu';
  import * as tf from '@tensorflow/tfjs-core';
  import * as tfl from '@tensorflow/tfjs-layers';
  import { Predictor, scalarBackend } from 'throughtime';
  import { clipGradients, networkOf } from 'throughtime/tfjs';
  const variable = tf.variable(tf.zeros([2]));
  clipGradients(tf.train.sgd(1), { globalNorm: 1 }).minimize(() => tf.sum(tf.mul(variable, tf.tensor1d([3, 4]))), false, [variable]);
  const [first, second] = await variable.data();
  const model = tfl.sequential({ layers: [tfl.layers.lstm({ units: 3, inputShape: [1, 2] }), tfl.layers.dense({ units: 1 })] });
  const own = new Predictor(networkOf(model, scalarBackend()).network).step([0.5, -1])[0];
  const [theirs] = await model.predict(tf.tensor3d([[[0.5, -1]]])).data();
  globalThis.answer = { first, second, difference: Math.abs(own - theirs) };`;

const place = temporary();
let tarball: string;
let project: string;

before(() => {
  tarball = pack(place.folder);
  const node = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}@${previousNode}`;
  const peers = [...Object.keys(manifest.peerDependencies), '@tensorflow/tfjs-backend-cpu'].map(
    (name) => `${name}@${manifest.devDependencies[name]}`,
  );
  const types = `@types/node@${manifest.devDependencies['@types/node']}`;
  project = install(place.folder, tarball, [`vite@${viteVersion}`, `typescript@${previousTypescript}`, node, types, ...peers]);
});
after(() => place.remove());

describe('the tarball', () => {
  test('weighs no more than it should, and holds no sources and no tests', (context) => {
    const { size } = statSync(tarball);
    context.diagnostic(`${size} bytes`);
    assert.ok(size < mostBytes, `${size} bytes`);
    const files = run('tar', ['-tzf', tarball], place.folder).trim().split('\n');
    assert.deepEqual(
      files.filter(
        (file) => !/^package\/(bin\/|dist\/|README\.md$|CHANGELOG\.md$|LICENSE$|package\.json$)/.test(file) || /\.test\./.test(file),
      ),
      [],
    );
  });

  test('publint finds nothing', async () => {
    const { messages } = await publint({
      pkgDir: path.join(project, 'node_modules/throughtime'),
      level: 'suggestion',
      strict: true,
      pack: false,
    });
    assert.deepEqual(
      messages.map((message) => formatMessage(message, manifest)),
      [],
    );
  });

  test('the types are right for whoever imports modules', async () => {
    const { problems, types } = (await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))))) as {
      problems: { kind: string; resolutionKind?: string }[];
      types: unknown;
    };
    assert.deepEqual(types, { kind: 'included' });
    // There are modules alone: `node10` knows no exports, and `require` takes them where Node does (22.12 and later; tested below).
    const others = problems.filter(({ kind, resolutionKind }) => kind !== 'CJSResolvesToESM' && resolutionKind !== 'node10');
    assert.deepEqual(others, []);
  });
});

describe('installed in an empty project', () => {
  const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'));

  for (const [compiler, bin] of [
    ['the present TypeScript', () => path.join(root, 'node_modules/.bin/tsc')],
    [`TypeScript ${previousTypescript}`, () => path.join(project, 'node_modules/.bin/tsc')],
  ] as const) {
    for (const [module, moduleResolution] of [
      ['node16', 'node16'],
      ['esnext', 'bundler'],
    ]) {
      test(`types check, strictly, with ${compiler} and moduleResolution ${moduleResolution}`, () => {
        const compilerOptions = { module, moduleResolution, target: 'es2024', lib: ['es2024', 'dom', 'dom.iterable'], types: ['node'] };
        const check = (taken: readonly string[], skipLibCheck: boolean) => {
          writeFileSync(path.join(project, 'use.ts'), usage(taken));
          const config = { compilerOptions: { ...compilerOptions, strict: true, noEmit: true, skipLibCheck }, files: ['use.ts'] };
          writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify(config));
          run(bin(), ['--project', 'tsconfig.json'], project);
        };
        // Those of the library itself too; but those of TensorFlow.js have errors of their own.
        check(
          entries.filter((entry) => entry !== './tfjs'),
          false,
        );
        check(entries, true);
      });
    }
  }

  for (const [name, program] of [
    ['the present Node', () => process.execPath],
    [`Node ${previousNode}`, () => path.join(project, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin/node')],
  ] as const) {
    test(`${name} imports and requires all of it, trains with threads, and runs the command`, () => {
      writeFileSync(path.join(project, 'run.js'), nodeProgram);
      const answer = JSON.parse(run(program(), ['run.js'], project));
      assert.ok(answer.last < answer.first / 2, JSON.stringify(answer));
      assert.equal(answer.threads, 2);
      writeFileSync(
        path.join(project, 'recall.json'),
        JSON.stringify({
          $schema: './node_modules/throughtime/dist/experiment.schema.json',
          name: 'recall',
          data: { kind: 'task', name: 'recall', lag: 2, trainSequences: 100, validationSequences: 50 },
          model: { cell: 'gru', hiddenSize: 8 },
          training: { updates: 20 },
        }),
      );
      const command = ['node_modules/throughtime/bin/throughtime.js'];
      run(program(), [...command, 'train', 'recall.json', '--run', `runs-${name.length}`, '--json'], project);
      assert.match(run(program(), [...command, '--version'], project), new RegExp(manifest.version));
      for (const entry of entries) {
        run(program(), ['-e', `require('throughtime${entry.slice(1)}')`], project);
      }
    });
  }
});

/** What is used here of Vite, which is installed in the project alone. */
interface Vite {
  build(options: object): Promise<unknown>;
  preview(options: object): Promise<ViteServer>;
  createServer(options: object): Promise<ViteServer & { listen(): Promise<unknown> }>;
}
interface ViteServer {
  readonly resolvedUrls: { readonly local: readonly string[] } | null;
  close(): Promise<void>;
}

describe('in a page that Vite bundles', { skip: skipped }, () => {
  const pages = { index: page, clip: clipPage, tfjs: tensorflowPage };
  const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
  const input = () => Object.keys(pages).map((name) => path.join(project, `${name}.html`));
  const options = () => ({
    ...{ root: project, configFile: false, logLevel: 'warn' },
    ...{
      build: { target: 'esnext', rolldownOptions: { input: input() } },
      preview: { host: '127.0.0.1', headers },
      server: { host: '127.0.0.1', headers },
    },
  });
  let vite: Vite;
  let browser: Browser;

  before(async () => {
    for (const [name, code] of Object.entries(pages)) {
      writeFileSync(path.join(project, `${name}.html`), `<!doctype html><script type="module" src="./${name}.js"></script>`);
      writeFileSync(path.join(project, `${name}.js`), code);
    }
    vite = await import(path.join(project, 'node_modules/vite/dist/node/index.js'));
    browser = await launch();
  });
  after(() => browser?.close());

  const answersOf = async (server: ViteServer) => {
    const answers: Record<string, Record<string, number>> = {};
    for (const name of Object.keys(pages)) {
      const opened = await browser.newPage();
      const complaints: string[] = [];
      opened.on('pageerror', (error) => complaints.push(String(error)));
      await opened.goto(`${server.resolvedUrls?.local[0]}${name}.html`);
      // Served as it is developed, a page may be loaded once more when its packages have been prepared.
      await opened.waitForFunction('globalThis.answer !== undefined', undefined, { timeout: 120_000 });
      answers[name] = (await opened.evaluate('globalThis.answer')) as Record<string, number>;
      await opened.close();
      assert.deepEqual(complaints, []);
    }
    await server.close();
    return answers;
  };

  for (const [how, serve] of [
    ['built', () => vite.preview(options())],
    [
      'served as it is developed',
      async () => {
        const server = await vite.createServer(options());
        await server.listen();
        return server;
      },
    ],
  ] as const) {
    test(`${how}: it trains, with the kernels and two threads, clips gradients, and so it does beside TensorFlow.js`, async () => {
      if (how === 'built') await vite.build(options());
      const { index, clip, tfjs } = await answersOf(await serve());
      assert.ok(index.last < index.first / 2, `${index.first} -> ${index.last}`);
      assert.deepEqual([index.threads, index.norm], [2, 5]);
      assert.ok(Math.abs(index.clippedNorm - 1) < 1e-6);
      assert.deepEqual(clip, { norm: 5, clippedNorm: 1 });
      assert.ok(Math.hypot(tfjs.first, tfjs.second) > 0.9999 && Math.hypot(tfjs.first, tfjs.second) < 1.0001, JSON.stringify(tfjs));
      assert.ok(tfjs.difference < 1e-5, JSON.stringify(tfjs));
    });
  }

  test('a page that only clips is small and holds no kernels', (context) => {
    const html = readFileSync(path.join(project, 'dist/clip.html'), 'utf8');
    const scripts = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, file]) =>
      readFileSync(path.join(project, 'dist', file), 'utf8'),
    );
    const text = scripts.join('\n');
    context.diagnostic(`${text.length} characters`);
    assert.ok(text.length > 1000 && text.length < 20_000, `${text.length} characters`);
    assert.ok(!text.includes('AGFzbQ'), 'holds a WebAssembly module');
  });
});

/** Uses every entry point, with types that would be wrong were they `any`. */
function usage(entries: readonly string[]): string {
  return `
    ${entries.map((entry, index) => `import * as entry${index} from 'throughtime${entry.slice(1)}';`).join('\n')}
    import { makeClip, Network, scalarBackend, type ModelOptions } from 'throughtime';
    import { readExperiment } from 'throughtime/node';
    const model: ModelOptions = { cell: 'lstm', hiddenSize: 4 };
    const network = new Network(scalarBackend(), model, { kind: 'vectors', size: 2 }, 1);
    const length: number = network.parameters.length;
    const norm: number = makeClip({ globalNorm: 1 })([new Float32Array([3, 4])]).norm;
    // @ts-expect-error there is no such cell
    const wrong: ModelOptions = { cell: 'lstn', hiddenSize: 4 };
    // @ts-expect-error the content is a text
    readExperiment(1, 'file');
    // @ts-expect-error there is no such export
    entry0.nothing;
    export { length, norm, wrong, ${entries.map((_, index) => `entry${index}`).join(', ')} };
  `;
}
