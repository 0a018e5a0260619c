/** The dashboard in a real browser: known numbers in every panel, a live run, links, files, keyboard, and the accessibility check. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { type Dashboard, serveDashboard } from '../../src/server/dashboardServer.ts';
import { metricsLine, recordedVerdict, writeRun } from '../dashboard/recorded.ts';
import { writeGrid, writeTrial } from '../run/trials.ts';
import { freshPages, launch, skipped, unreached, violations, watched } from './browser.ts';

const hostile = '<img src=x onerror=document.title=1>';

describe('the dashboard in a browser', { skip: skipped }, () => {
  const runs = mkdtempSync(path.join(os.tmpdir(), 'runs-'));
  let browser: Browser;
  let dashboard: Dashboard;
  let pages: Awaited<ReturnType<typeof freshPages>>;
  const at = (query: string) => `${dashboard.address}${query}`;

  before(async () => {
    writeRun(path.join(runs, 'recorded'), { updates: 1000, looks: 11 });
    writeFileSync(path.join(runs, 'recorded', 'verdict.json'), JSON.stringify(recordedVerdict));
    const tried = [
      { threshold: 4, stable: true, why: 'no sign in 600 updates', clippedFraction: 0.1 },
      { threshold: 8, stable: false, why: 'the loss jumped to 12' },
    ];
    writeFileSync(
      path.join(runs, 'recorded', 'tuneClip.json'),
      JSON.stringify({ threshold: 4, explodesWithout: true, curve: [1, 2, 16, 'NaN'], tried }),
    );
    const treated = [{ change: { 'training.bptt': 'full' }, verdict: 'healthy', loss: 0.02, seconds: 12 }];
    writeFileSync(
      path.join(runs, 'recorded', 'treat.json'),
      JSON.stringify({ before: { verdict: 'truncated', loss: 2.05 }, tried: treated, best: treated[0].change }),
    );
    writeRun(path.join(runs, 'other'), { updates: 500, name: 'other' });
    pages = await freshPages();
    dashboard = await serveDashboard({ folder: runs, pages: pages.folder, every: 50 });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await dashboard?.close();
    pages?.remove();
    rmSync(runs, { recursive: true });
  });

  /** Waits until a panel's chart reads out what is expected, at the place that the keys lead to; gives what matched. */
  const reads = async (page: Page, panel: string, expected: RegExp, ...keys: string[]): Promise<RegExpExecArray> => {
    const slider = page.locator(`#${panel} [role=slider]`);
    await page.locator(`#${panel} .plot svg`).waitFor();
    let said = '';
    for (let attempt = 0; attempt < 100; attempt++) {
      await slider.focus();
      for (const key of ['End', ...keys]) await page.keyboard.press(key);
      said = (await slider.getAttribute('aria-valuetext')) ?? '';
      const found = expected.exec(said);
      if (found) return found;
      await page.waitForTimeout(100);
    }
    assert.fail(`${panel} reads ${said}, not ${expected}`);
  };

  test('every panel shows the known numbers of a recorded run', async () => {
    const { page, clean } = await watched(browser, at('?run=recorded'));
    await page.locator('#learning-curve .plot svg').waitFor();
    // Two updates to a point: the mean of 2/999 and 2/1000.
    await reads(page, 'learning-curve', /update 1000: train 0\.002001, validation 0\.001$/);
    assert.match((await page.locator('#learning-curve .plot svg').getAttribute('aria-label')) ?? '', /best constant 1\.5/);
    // Two updates to a point: (1 + 10) / 2 and (1 + 4) / 2.
    await reads(page, 'gradient-norm', /update 1000: before clipping 5\.5, after 2\.5$/);
    const labels = await page.locator('#gradient-norm .plot svg text').allTextContents();
    for (const each of ['clip 4', 'median 1', '99% 10']) assert.ok(labels.includes(each), `${each} in ${labels}`);
    assert.match(
      await page.locator('#gradient-norm .note').innerText(),
      /10% of the updates were clipped\. 1 update was not finite: 37 \(gradient of weight_hh_l0\)/,
    );
    await reads(page, 'lag-profile', /20: after update 1,000 0\.01$/);
    const lags = await page.locator('#lag-profile .plot svg text').allTextContents();
    for (const each of ['data horizon 21', 'gradient horizon 10', 'window 10']) assert.ok(lags.includes(each), `${each} in ${lags}`);
    await reads(page, 'lag-map', /after update 900, lag 2: 0\.631$/, 'ArrowLeft', 'PageDown', 'ArrowUp', 'ArrowUp');
    await reads(page, 'growth', /newest step 0\.1, oldest step 0\.001$/);
    await reads(page, 'jacobian', /largest 0\.8913, smallest 0\.001$/);
    await reads(page, 'lyapunov', /exponent 1 -0\.25, exponent 2 -0\.5$/);
    await reads(page, 'saturation', /near -1 12\.5%, h, layer 0: near 1 25%$/);
    await reads(page, 'half-life', /c, layer 0 –$/);
    await reads(page, 'orthogonality', /weight_hh_l0 3\.5$/);
    await reads(page, 'transport', /4: largest gain 0\.631, root mean square 0\.3981$/);
    const verdict = await page.locator('#verdict').innerText();
    for (const each of ['truncated', 'lag 9', '21 inputs', '--set training.bptt=full', 'the window of 10 steps cuts the gradient off'])
      assert.ok(verdict.includes(each), each);
    assert.ok((await page.locator('#tune-clip .plot svg text').allTextContents()).includes('threshold 4'));
    assert.match(await page.locator('#treat tr.best').innerText(), /training\.bptt.*healthy\s*0\.02\s*12/s);
    assert.match(await page.locator('#events tbody').innerText(), /37\s*nonFinite\s*skipped\s*the gradient of weight_hh_l0 is not finite/);
    await clean();
  });

  test('two runs stand side by side, with the fields in which they differ', async () => {
    const { page, clean } = await watched(browser, at('?run=recorded&run=other'));
    const table = page.locator('#compare tbody');
    await table.waitFor();
    // The fields of a run whose file is still on its way read as a dash.
    await table.getByRole('row', { name: /^training\.updates.*500$/ }).waitFor();
    assert.match(await table.innerText(), /training\.updates\s*1000\s*500/);
    // A run that has ended at update 500 is not read at 1000; at the beginning both are: the mean of 2/1 and 2/2, and 2/2.
    await reads(page, 'learning-curve', /^update 1000: recorded: train 0\.002001, recorded: validation 0\.001$/);
    await reads(page, 'learning-curve', /^update 2: recorded: train 1\.5, .*other: train 1, /, 'Home');
    await page.getByLabel('Show other with others').uncheck();
    await page.locator('#compare').waitFor({ state: 'detached' });
    assert.equal(new URL(page.url()).searchParams.getAll('run').join(), 'recorded');
    await clean();
  });

  test('a stretch of updates is looked at in all panels, and every panel has a link', async () => {
    const { page, clean } = await watched(browser, at('?run=recorded'));
    const overlay = page.locator('#learning-curve .overlay');
    await page.locator('#gradient-norm .plot svg').waitFor();
    await overlay.scrollIntoViewIfNeeded();
    const box = await overlay.boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + box.width * 0.4, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/from=\d+&to=\d+/);
    const fields = new URL(page.url()).searchParams;
    const [from, to] = [Number(fields.get('from')), Number(fields.get('to'))];
    assert.ok(from > 200 && to < 800 && from < to, `${from} to ${to}`);
    // Every update is a point now, and the last one is where the stretch ends.
    await reads(page, 'gradient-norm', new RegExp(`update (${to - 1}|${to}|${to + 1}): `));
    await page.getByLabel('Permalink of Gradient norm').click();
    await page.locator('#learning-curve').waitFor({ state: 'detached' });
    const link = page.url();
    await clean();
    const again = await watched(browser, link);
    await again.page.locator('#gradient-norm .plot svg').waitFor();
    assert.equal(await again.page.locator('.panel').count(), 1);
    await again.page.locator('#gradient-norm [role=slider]').focus();
    await again.page.keyboard.press('Escape');
    await again.page.getByRole('button', { name: 'all panels' }).click();
    await again.page.locator('#learning-curve .plot svg').waitFor();
    assert.doesNotMatch(again.page.url(), /from=|panel=/);
    await again.clean();
  });

  test('a panel is saved as PNG, SVG and CSV', async () => {
    const { page, clean } = await watched(browser, at('?run=recorded&panel=gradient-norm'));
    await page.locator('#gradient-norm .plot svg').waitFor();
    const saved = async (kind: string) => {
      const coming = page.waitForEvent('download');
      await page.getByLabel(`Save Gradient norm as ${kind}`).click();
      const download = await coming;
      assert.equal(download.suggestedFilename(), `recorded-gradient-norm.${kind.toLowerCase()}`);
      return readFileSync(await download.path());
    };
    const png = await saved('PNG');
    assert.deepEqual([...png.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    const svg = (await saved('SVG')).toString();
    assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    for (const each of ['Gradient norm', 'clip 4', 'before clipping', 'update']) assert.ok(svg.includes(each), each);
    const csv = (await saved('CSV')).toString().split('\n');
    assert.equal(csv[0], 'update,before clipping,before clipping (low),before clipping (high),after,clipped,not finite');
    assert.equal(csv[5], '10,5.5,1,10,2.5,0.5,0');
    await clean();
  });

  test('a run is followed while it is written, cut back and written on', async () => {
    const live = path.join(runs, 'live');
    writeRun(live, { updates: 30, looks: 1, status: 'running', name: 'live' });
    const file = path.join(live, 'metrics.jsonl');
    const { page, clean } = await watched(browser, at('?run=live'));
    const updates = (count: number) => page.locator('.runs li', { hasText: 'live' }).getByText(`${count} updates`).waitFor();
    await updates(30);
    let more = '';
    for (let update = 31; update <= 60; update++) more += metricsLine(update);
    appendFileSync(file, more);
    await updates(60);
    await page.waitForFunction(() =>
      document.querySelector('#learning-curve .plot svg')?.getAttribute('aria-label')?.includes('after 60 updates'),
    );
    await reads(page, 'learning-curve', /update 60: train 0\.03333/);
    truncateSync(file, readFileSync(file, 'utf8').split('\n').slice(0, 40).join('\n').length + 1);
    await updates(40);
    appendFileSync(file, metricsLine(41).replace('"loss":', '"loss":1'));
    await updates(41);
    await page.waitForFunction(() =>
      document.querySelector('#learning-curve .plot svg')?.getAttribute('aria-label')?.includes('after 41 updates'),
    );
    rmSync(live, { recursive: true });
    await page.locator('.runs li', { hasText: 'live' }).waitFor({ state: 'detached' });
    await clean();
  });

  test('hostile names and sentences are text', async () => {
    const folder = path.join(runs, hostile);
    writeRun(folder, { updates: 30 });
    const finding = {
      kind: 'healthy',
      because: '<script>document.title=2</script>',
      prescription: [{ set: { '<b>': '<i>' }, why: '</code><img src=x>' }],
    };
    writeFileSync(path.join(folder, 'verdict.json'), JSON.stringify({ verdict: '<u>healthy</u>', findings: [finding] }));
    const { page, clean } = await watched(browser, at(`?run=${encodeURIComponent(hostile)}`));
    await page.locator('#verdict h3').waitFor();
    assert.equal(await page.locator('#verdict h3').innerText(), '<u>healthy</u>');
    assert.ok((await page.locator('#verdict').innerText()).includes('<script>document.title=2</script>'));
    assert.ok((await page.locator('.runs').innerText()).includes(hostile));
    assert.equal(await page.locator('img, #verdict script, #verdict u').count(), 0);
    assert.equal(await page.title(), 'throughtime');
    rmSync(folder, { recursive: true });
    await clean();
  });

  describe('many runs together', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'many-'));
    let many: Dashboard;
    before(async () => {
      writeGrid(path.join(folder, 'sweep'), ['rnn', 'gru'], ['none', '{"globalNorm":1}'], [0, 1], (cell, clip, seed) => ({
        loss: cell === 0 && clip === 0 && seed === 1 ? Number.NaN : (cell === 0 ? 1 : 0.1) * (1 + clip + seed / 10),
        verdict: cell === 0 ? 'vanishing' : 'healthy',
      }));
      writeTrial(path.join(folder, hostile), { set: ['model.cell=lstm', 'name=other'], loss: 4 });
      many = await serveDashboard({ folder, pages: pages.folder, every: 50 });
    });
    after(async () => {
      await many?.close();
      rmSync(folder, { recursive: true });
    });

    test('a grid is read by keys, a cell lists its runs, and axes keep some of them', async () => {
      const { page, clean } = await watched(browser, `${many.address}?run=sweep/gru-0-0`);
      await page.getByRole('button', { name: 'all together' }).click();
      await page.getByLabel('runs of').selectOption('sweep');
      await page.waitForURL(/view=many&under=sweep/);
      const grid = page.locator('#grid [role=slider]');
      await page.locator('#grid .plot svg').waitFor();
      await page.waitForFunction(() => document.querySelectorAll('#parallel [role=slider]').length === 4);
      await grid.focus();
      // gru without a clip: 0.1 and 0.11.
      for (const key of ['Home', 'Home', 'PageUp']) await page.keyboard.press(key);
      assert.equal(
        await grid.getAttribute('aria-valuetext'),
        'model.cell gru, training.clip none: 0.105 ± 0.007071 (0.1 to 0.11), 2 runs, 2 healthy',
      );
      await page.keyboard.press('ArrowRight');
      assert.match(
        (await grid.getAttribute('aria-valuetext')) ?? '',
        /^model\.cell rnn, training\.clip none: 1, 2 runs, 1 failed, 2 vanishing$/,
      );
      await page.keyboard.press('Enter');
      const listed = page.locator('#picked tbody tr');
      await page.waitForFunction(() => document.querySelectorAll('#picked tbody tr').length === 2);
      assert.match((await listed.allInnerTexts()).join('|'), /^sweep\/rnn-0-0\s+1\s+vanishing.*\|sweep\/rnn-0-1\s+not finite/);
      const clip = page.getByRole('slider', { name: 'Runs by clip' });
      await clip.focus();
      await page.keyboard.press('End');
      assert.equal(await clip.getAttribute('aria-valuetext'), 'globalNorm 1; 4 of 8 runs');
      const result = page.getByRole('slider', { name: 'Runs by loss.validation' });
      await result.focus();
      await page.keyboard.press('Home');
      await page.keyboard.press('Shift+ArrowUp');
      assert.equal(await result.getAttribute('aria-valuetext'), '0.1 to 0.11; 0 of 8 runs');
      await clip.focus();
      await page.keyboard.press('Escape');
      assert.deepEqual(
        (await listed.allInnerTexts()).map((text) => text.split(/\s/)[0]),
        ['sweep/gru-0-0', 'sweep/gru-0-1'],
      );
      await page.getByRole('button', { name: 'open all' }).click();
      await page.locator('#compare').waitFor();
      assert.deepEqual(new URL(page.url()).searchParams.getAll('run'), ['sweep/gru-0-0', 'sweep/gru-0-1']);
      await clean();
    });

    test('an address leads to the same picture, which is saved whole', async () => {
      const { page, clean } = await watched(browser, `${many.address}?view=many&under=sweep&x=training.clip&y=model.cell&panel=grid`);
      await page.locator('#grid .plot svg').waitFor();
      assert.equal(await page.locator('.panel').count(), 1);
      const saved = async (kind: string) => {
        const coming = page.waitForEvent('download');
        await page.getByLabel(`Save Grid: loss.validation as ${kind}`).click();
        return readFileSync(await (await coming).path(), 'utf8');
      };
      const svg = await saved('SVG');
      for (const each of ['Grid: loss.validation', 'training.clip', 'globalNorm 1', '0.105', '± 0.007071', '1 of 2 failed'])
        assert.ok(svg.includes(each), each);
      const csv = (await saved('CSV')).split('\n');
      assert.equal(csv[0], 'training.clip,model.cell,loss.validation (mean),deviation,least,largest,runs,failed,not measured');
      assert.match(csv.find((line) => line.startsWith('none,gru')) ?? '', /^none,gru,0\.105\d*,0\.00707\d*,0\.1,0\.11\d*,2,0,0$/);
      await clean();
    });

    test('the accessibility check finds nothing, in light and in dark, everything is reached by keyboard, and names are text', async () => {
      const { page, clean } = await watched(browser, `${many.address}?view=many`);
      await page.locator('#grid .plot svg').waitFor();
      await page.locator('#parallel .plot svg').waitFor();
      assert.ok((await page.locator('#picked').innerText()).includes(hostile));
      assert.equal(await page.locator('img').count(), 0);
      assert.deepEqual(await violations(page), []);
      await page.getByRole('button', { name: 'dark' }).click();
      assert.deepEqual(await violations(page, 'color-contrast'), []);
      assert.deepEqual(await unreached(page), []);
      await clean();
    });
  });

  test('the page has less than 400 kB', () => {
    const bytes = ['index.html', 'dashboard.js', 'dashboard.css'].map(
      (file) => readFileSync(path.join(pages.folder, 'dashboard', file)).length,
    );
    const sum = bytes.reduce((a, b) => a + b);
    assert.ok(sum < 400_000, `${sum} bytes`);
  });

  test('the accessibility check finds nothing, in light and in dark', async () => {
    const { page, clean } = await watched(browser, at('?run=recorded&run=other'));
    await page.locator('#orthogonality .plot svg').waitFor();
    await page.locator('#tune-clip summary').click();
    assert.deepEqual(await violations(page), []);
    // Only colours are other ones in the dark.
    await page.getByRole('button', { name: 'dark' }).click();
    assert.deepEqual(await violations(page, 'color-contrast'), []);
    await clean();
  });

  test('everything is reached by keyboard', async () => {
    const { page, clean } = await watched(browser, at('?run=recorded'));
    await page.locator('#orthogonality .plot svg').waitFor();
    assert.deepEqual(await unreached(page), []);
    await clean();
  });
});
