/** The dashboard's server: what it answers, whom it refuses, and that it follows runs while they are written. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { LookAnswer, LooksAnswer, RunAnswer, RunState, RunsAnswer, UpdatesAnswer } from '../../src/server/answers.ts';
import { type Dashboard, serveDashboard } from '../../src/server/dashboardServer.ts';
import { metricsLine, recordedVerdict, writeRun } from './recorded.ts';

/** A request with headers that fetch does not let one set, and a path that nobody tidies up. */
function ask(
  address: string,
  target: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path: target, method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        body += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
    });
    asked.on('error', reject).end();
  });
}

describe('the dashboard server', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'dashboard-'));
  const runs = path.join(folder, 'runs');
  const pages = path.join(folder, 'pages');
  let dashboard: Dashboard;
  const json = async <T>(target: string) => JSON.parse((await ask(dashboard.address, target)).body) as T;

  before(async () => {
    mkdirSync(path.join(pages, 'dashboard'), { recursive: true });
    writeFileSync(path.join(pages, 'dashboard', 'index.html'), '<!doctype html><title>page</title>');
    writeFileSync(path.join(folder, 'secret.txt'), 'not to be seen');
    writeRun(path.join(runs, 'recorded'), { updates: 1000 });
    writeFileSync(path.join(runs, 'recorded', 'verdict.json'), JSON.stringify(recordedVerdict));
    dashboard = await serveDashboard({ folder: runs, pages, every: 20 });
  });
  after(async () => {
    await dashboard.close();
    rmSync(folder, { recursive: true });
  });

  test('lists runs, and answers the numbers of one', async () => {
    const { runs: listed } = await json<RunsAnswer>('/api/runs');
    const { run, name, status, problem, updates, planned, loss, validationLoss, verdict } = listed[0];
    assert.deepEqual(
      { run, name, status, problem, updates, planned, loss, validationLoss, verdict },
      {
        run: 'recorded',
        name: 'recorded',
        status: 'done',
        problem: null,
        updates: 1000,
        planned: 1000,
        loss: 0.002,
        validationLoss: 0.001,
        verdict: 'truncated',
      },
    );
    const details = await json<RunAnswer>('/api/run?run=recorded');
    assert.deepEqual(details.nonFinite, [{ update: 37, what: 'gradient of weight_hh_l0' }]);
    assert.equal(details.eventCount, 1);
    assert.deepEqual(details.dataHorizon, { horizon: 21, from: 'verdict' });
    // Reach is -k/10 + log10 sqrt(1000 * 32) = 2.2526 - k/10, and has to be log10 15 = 1.1761: up to lag 10.
    assert.deepEqual(details.gradientHorizon, { horizon: 10, atLeast: false });
  });

  test('answers single updates, and spans of them', async () => {
    const single = await json<UpdatesAnswer>('/api/updates?run=recorded&from=31&to=40&points=100');
    assert.equal(single.span, 1);
    assert.deepEqual(single.update, [31, 32, 33, 34, 35, 36, 37, 38, 39, 40]);
    assert.deepEqual(single.gradientNorm.mean, [1, 1, 1, 1, 1, 1, null, 1, 1, 10]);
    assert.deepEqual(single.clipped.mean, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert.deepEqual(single.nonFinite.mean, [0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    const all = await json<UpdatesAnswer>('/api/updates?run=recorded&points=100');
    assert.equal(all.span, 16);
    assert.equal(all.update.length, Math.ceil(1000 / 16));
    assert.equal(all.update.at(-1), 1000);
    assert.deepEqual([all.loss.low?.[0], all.loss.high?.[0]], [2 / 16, 2]);
    // Of 999 norms, 899 are 1 and 100 are 10: the 90% quantile is at place 0.9 * 998 = 898.2 from 0, between the last 1 and the first 10.
    const { p50, p90, p99, largest } = all.quantiles as NonNullable<UpdatesAnswer['quantiles']>;
    assert.deepEqual([p50, Number(p90.toFixed(9)), p99, largest], [1, 1 + 0.2 * 9, 10, 10]);
  });

  test('answers what the monitors measured', async () => {
    const { looks, heat, series } = await json<LooksAnswer>('/api/looks?run=recorded');
    assert.deepEqual(looks, [0, 250, 500, 750, 1000]);
    assert.deepEqual(heat.lag[20], [20, 20]);
    assert.equal(heat.value[3][20], -2);
    const named = Object.fromEntries(series.map(({ monitor, name, value }) => [`${monitor} ${name}`, value[0]]));
    assert.deepEqual(
      [named['saturation h, layer 0: near 1'], named['half-life c, layer 0'], named['jacobian largest'], named['lyapunov exponent 2']],
      [0.25, null, -0.05, -0.5],
    );
    const look = await json<LookAnswer>('/api/look?run=recorded&update=400');
    assert.equal(look.update, 250);
    assert.ok(Math.abs((look.lagProfile?.mean[15] ?? 0) + 1.5) < 1e-6);
    assert.deepEqual(look.transport?.largest, [-0.05, -0.1, -0.2]);
  });

  test('refuses foreign hosts, foreign origins, other sites and other methods', async () => {
    const { address } = dashboard;
    const { port } = new URL(address);
    assert.equal((await ask(address, '/api/runs', { host: `localhost:${port}` })).status, 200);
    assert.equal((await ask(address, '/api/runs', { host: `evil.example:${port}` })).status, 403);
    assert.equal((await ask(address, '/', { host: 'evil.example' })).status, 403);
    assert.equal((await ask(address, '/api/runs', { origin: 'http://evil.example' })).status, 403);
    assert.equal((await ask(address, '/api/runs', { origin: 'null' })).status, 403);
    assert.equal((await ask(address, '/api/runs', { origin: `http://127.0.0.1:${port}` })).status, 200);
    assert.equal((await ask(address, '/api/runs', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status, 403);
    assert.equal((await ask(address, '/', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).status, 200);
    assert.equal((await ask(address, '/api/runs', {}, 'POST')).status, 405);
  });

  test('the page may load from its own host alone', async () => {
    const { headers, body } = await ask(dashboard.address, '/');
    assert.match(body, /<title>page/);
    assert.match(String(headers['content-security-policy']), /default-src 'none'; script-src 'self' 'wasm-unsafe-eval'/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['access-control-allow-origin'], undefined);
  });

  test('no path leads out of the folder', async () => {
    symlinkSync(folder, path.join(runs, 'link'));
    const outside = [
      '../secret.txt',
      '..',
      '../runs/recorded',
      '/etc',
      'recorded/../recorded',
      'link/runs/recorded',
      'recorded\0',
      '%2e%2e',
    ];
    for (const name of outside) {
      const { status, body } = await ask(dashboard.address, `/api/run?run=${encodeURIComponent(name)}`);
      assert.equal(status, 404, name);
      assert.doesNotMatch(body, /not to be seen/);
    }
    for (const target of [
      '/../secret.txt',
      '/..%2fsecret.txt',
      '/%2e%2e/secret.txt',
      '/lab/../../secret.txt',
      '/dashboard/index.html',
      '//etc/passwd',
    ]) {
      const { status, body } = await ask(dashboard.address, target);
      assert.equal(status, 404, target);
      assert.doesNotMatch(body, /not to be seen|root:/);
    }
    rmSync(path.join(runs, 'link'));
  });

  test('a run with hostile names and content is listed, with what is wrong in words', async () => {
    const name = '<img src=x onerror=alert(1)>';
    const hostile = path.join(runs, name);
    writeRun(hostile, { updates: 3 });
    appendFileSync(path.join(hostile, 'metrics.jsonl'), '{"update":"<b>"}\n[]\n');
    writeFileSync(
      path.join(hostile, 'profiles.jsonl'),
      '{"update":0,"monitor":"__proto__","value":{}}\n{"update":0,"monitor":"lag-profile","value":7}\n',
    );
    writeFileSync(path.join(hostile, 'verdict.json'), '{"verdict":{"toString":1}}');
    mkdirSync(path.join(runs, 'broken'));
    writeFileSync(path.join(runs, 'broken', 'run.json'), '{"magic":"other"}');
    writeRun(path.join(runs, 'named'), { updates: 3, name: '"><script>alert(2)</script>' });
    const { runs: listed } = await json<RunsAnswer>('/api/runs');
    const found = listed.find(({ run }) => run === name) as RunState;
    assert.equal(found.updates, 3);
    assert.match(found.problem ?? '', /metrics\.jsonl:4: is not the record of update 4/);
    const details = await json<RunAnswer>(`/api/run?run=${encodeURIComponent(name)}`);
    assert.equal(details.verdict, null);
    const broken = listed.find(({ run }) => run === 'broken') as RunState;
    assert.equal(broken.status, 'unreadable');
    assert.match(broken.problem ?? '', /magic is "other"/);
    const named = listed.find(({ run }) => run === 'named') as RunState;
    assert.deepEqual([named.status, named.updates], ['unreadable', 3]);
    assert.match(named.problem ?? '', /must consist of letters/);
    const answered = await ask(dashboard.address, '/api/runs');
    assert.match(String(answered.headers['content-type']), /application\/json/);
    for (const each of [hostile, path.join(runs, 'broken'), path.join(runs, 'named')]) rmSync(each, { recursive: true });
  });

  test('follows a run that grows, is cut back and goes on, and one that begins later', async () => {
    const live = path.join(runs, 'live');
    const states: RunState[] = [];
    const { hostname, port } = new URL(dashboard.address);
    const stream = request({ hostname, port, path: '/api/follow' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
          if (data) states.push(...(JSON.parse(data) as { changed: RunState[] }).changed.filter(({ run }) => run === 'live'));
          text = text.slice(end + 2);
        }
      });
    });
    stream.on('error', () => {});
    stream.end();
    const until = async (is: (state: RunState) => boolean) => {
      for (let waited = 0; waited < 6000; waited++) {
        const last = states.at(-1);
        if (last && is(last)) return last;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`not seen in two minutes; the last was ${JSON.stringify(states.at(-1))}`);
    };
    writeRun(live, { updates: 20, looks: 0, status: 'running' });
    await until(({ updates }) => updates === 20);
    const file = path.join(live, 'metrics.jsonl');
    const [whole, torn] = [metricsLine(21), metricsLine(22)];
    appendFileSync(file, whole + torn.slice(0, 30));
    await until(({ updates }) => updates === 21);
    appendFileSync(file, torn.slice(30));
    await until(({ updates, loss }) => updates === 22 && loss === 2 / 22);
    // The run is taken up at update 10, and its lines are other ones from there on.
    const first = readFileSync(file, 'utf8').split('\n').slice(0, 10).join('\n').length + 1;
    truncateSync(file, first);
    let again = '';
    for (let update = 11; update <= 40; update++) again += metricsLine(update).replace('0.001', '0.002');
    appendFileSync(file, again);
    await until(({ updates, problem }) => updates === 40 && problem === null);
    rmSync(live, { recursive: true });
    stream.destroy();
  });
});

describe('the dashboard server beyond this machine', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'dashboard-'));
  after(() => rmSync(folder, { recursive: true }));

  test('asks for a token, in the link first and in a cookie after that', async () => {
    await assert.rejects(serveDashboard({ folder, pages: folder, host: '0.0.0.0' }), /so a token is needed/);
    const { address, close } = await serveDashboard({ folder, pages: folder, host: '0.0.0.0', token: 'secret token' });
    try {
      assert.match(address, /\?token=secret%20token$/);
      const local = `http://127.0.0.1:${new URL(address).port}/`;
      assert.equal((await ask(local, '/api/runs')).status, 401);
      assert.equal((await ask(local, '/api/runs?token=wrong')).status, 401);
      assert.equal((await ask(local, '/api/runs', { cookie: 'throughtime=wrong' })).status, 401);
      const let_in = await ask(local, '/api/runs?token=secret%20token');
      assert.equal(let_in.status, 200);
      const [cookie] = let_in.headers['set-cookie'] as string[];
      assert.match(cookie, /HttpOnly; SameSite=Strict/);
      assert.equal((await ask(local, '/api/runs', { cookie: cookie.split(';')[0] })).status, 200);
      assert.equal((await ask(local, '/api/runs', { cookie: cookie.split(';')[0], origin: 'http://evil.example' })).status, 403);
    } finally {
      await close();
    }
  });
});
