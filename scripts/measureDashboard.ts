/**
 * Measures the dashboard in Chromium, and leaves what it found in docs/measured/dashboard.json: how long a run of 100,000 updates with 200 lag
 * profiles takes to open, what its page does while it is scrolled, and the memory of a page that follows ten live runs.
 *
 * `npm run measure:dashboard [-- minutes of live data [updates that each run makes a second]]`; by default 3 and 2000, which are as many
 * updates as an hour of 100 a second. `load` is that of the machine in the minute before.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type CDPSession, chromium, type Page } from 'playwright-core';
import { serveDashboard } from '../src/server/dashboardServer.ts';
import { metricsLine, writeRun } from '../test/dashboard/recorded.ts';
import { buildPages } from './pages.ts';

const minutes = Number(process.argv[2] ?? 3);
const [updates, looks, lags] = [100_000, 200, 200];
/** Of the live runs: updates that each of them makes a second. */
const perSecond = Number(process.argv[3] ?? 2000);

const folder = mkdtempSync(path.join(os.tmpdir(), 'measure-'));
const [pages, long, live] = ['pages', 'long', 'live'].map((name) => path.join(folder, name));
await buildPages(pages);
writeRun(path.join(long, 'long'), { updates, looks, lags });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});

/** Milliseconds between the frames of some seconds. */
const framesOf = (page: Page, act: string, seconds: number) =>
  page.evaluate(
    ([code, milliseconds]) =>
      new Promise<number[]>((resolve) => {
        const act = new Function('t', String(code));
        const frames: number[] = [];
        let [begun, before] = [performance.now(), performance.now()];
        const next = (now: number) => {
          frames.push(now - before);
          before = now;
          act((now - begun) / 1000);
          if (now - begun > Number(milliseconds)) resolve(frames.slice(2));
          else requestAnimationFrame(next);
        };
        requestAnimationFrame((now) => {
          begun = now;
          before = now;
          requestAnimationFrame(next);
        });
      }),
    [act, seconds * 1000] as const,
  );

const framesSummary = (frames: number[]) => {
  const sorted = [...frames].sort((a, b) => a - b);
  return {
    frames: frames.length,
    median: round(sorted[Math.floor(sorted.length / 2)]),
    p99: round(sorted[Math.floor(0.99 * sorted.length)]),
    longerThan50: frames.filter((each) => each > 50).length,
  };
};

async function heap(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = (await session.send('Runtime.getHeapUsage')) as { usedSize: number };
  return round(usedSize / 1e6);
}

const round = (value: number) => Number(value.toPrecision(3));

async function opening() {
  const dashboard = await serveDashboard({ folder: long, pages });
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  const began = performance.now();
  await page.goto(`${dashboard.address}?run=long`);
  await page.waitForFunction(
    () =>
      document.querySelectorAll('#learning-curve .plot svg path[stroke], #gradient-norm .plot svg path[stroke]').length >= 2 &&
      document.querySelector('#lag-map .plot svg image') &&
      document.querySelector('#lag-profile .plot svg path[stroke]'),
    undefined,
    { polling: 20 },
  );
  const seconds = round((performance.now() - began) / 1000);
  await page.waitForTimeout(1000);
  const scroll = framesSummary(
    await framesOf(page, 'window.scrollTo(0, (document.body.scrollHeight - innerHeight) * Math.abs((t % 2) - 1))', 5),
  );
  await page.close();
  await dashboard.close();
  return { seconds, scroll };
}

/** Opened five times, each by a server that has read nothing yet. */
async function openings() {
  const all: Awaited<ReturnType<typeof opening>>[] = [];
  for (let count = 0; count < 5; count++) all.push(await opening());
  return { updates, looks, lags, seconds: all.map(({ seconds }) => seconds), scroll: all[all.length - 1].scroll };
}

async function following() {
  const names = Array.from({ length: 10 }, (_, index) => `live-${index}`);
  for (const name of names) writeRun(path.join(live, name), { updates: 1000, looks: 5, status: 'running', name });
  const dashboard = await serveDashboard({ folder: live, pages });
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  await page.goto(`${dashboard.address}?${names.map((name) => `run=${name}`).join('&')}`);
  await page.locator('#learning-curve .plot svg').waitFor();
  const session = await page.context().newCDPSession(page);
  const heaps: { minute: number; megabytes: number }[] = [];
  let made = 1000;
  let wrote = performance.now();
  const writer = setInterval(() => {
    const count = Math.round(((performance.now() - wrote) / 1000) * perSecond);
    wrote = performance.now();
    let lines = '';
    for (let update = made + 1; update <= made + count; update++) lines += metricsLine(update);
    made += count;
    for (const name of names) appendFileSync(path.join(live, name, 'metrics.jsonl'), lines);
  }, 500);
  await page.waitForTimeout(3000);
  const frames = framesSummary(await framesOf(page, '', 5));
  const began = performance.now();
  for (let minute = 0; minute <= minutes; minute += Math.max(0.25, minutes / 8)) {
    const wait = minute * 60_000 - (performance.now() - began);
    if (wait > 0) await page.waitForTimeout(wait);
    heaps.push({ minute: round((performance.now() - began) / 60_000), megabytes: await heap(session) });
  }
  clearInterval(writer);
  await page.close();
  await dashboard.close();
  return { runs: names.length, updatesPerSecond: perSecond, minutes, updatesOfEach: made, frames, heaps };
}

try {
  const found = {
    machine: `${os.cpus()[0]?.model}, ${os.availableParallelism()} cores`,
    load: round(os.loadavg()[0]),
    opening: await openings(),
    following: await following(),
  };
  writeFileSync(path.resolve(import.meta.dirname, '../docs/measured/dashboard.json'), `${JSON.stringify(found, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
