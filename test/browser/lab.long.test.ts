/** The lab in a real browser: lessons that train to their end, the state in the address, a dropped file, keyboard and accessibility. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { type Dashboard, serveDashboard } from '../../src/server/dashboardServer.ts';
import { freshPages, launch, says, skipped, unreached, violations, watched } from './browser.ts';

describe('the lab in a browser', { skip: skipped }, () => {
  let browser: Browser;
  let served: Dashboard;
  let pages: Awaited<ReturnType<typeof freshPages>>;
  const at = (query: string) => `${served.address}lab/${query}`;

  before(async () => {
    pages = await freshPages();
    served = await serveDashboard({ folder: pages.folder, pages: pages.folder });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await served?.close();
    pages?.remove();
  });

  /** Waits until every side has come to its end, and gives what each then says. */
  const outcome = async (page: Page, sides: number): Promise<string[]> => {
    await page.waitForFunction(
      (count) =>
        [...document.querySelectorAll('.outcome p')].filter((each) => /done in|failed|cannot|has /.test(each.textContent ?? '')).length ===
        count,
      sides,
      { timeout: 240_000 },
    );
    return page.locator('.outcome p').allInnerTexts();
  };

  test('compressed, the page has less than 400 kB', () => {
    const folder = path.join(pages.folder, 'lab');
    const bytes = readdirSync(folder).reduce((sum, file) => sum + gzipSync(readFileSync(path.join(folder, file))).length, 0);
    assert.ok(bytes < 400_000, `${bytes} bytes`);
  });

  test('the main lesson reaches its point: at lag 60, tanh learns nothing and the orthogonal start nearly all', async () => {
    const { page, clean } = await watched(browser, at('?lesson=orthogonal'));
    await page.getByRole('button', { name: 'run', exact: true }).click();
    const [a, b] = await outcome(page, 2);
    const accuracy = (text: string) => Number(/1,200 updates, accuracy ([\d.]+)%/.exec(text)?.[1]);
    assert.ok(accuracy(a) < 40, a);
    assert.ok(accuracy(b) > 90, b);
    await says(page.locator('.answer'), /At lag 60, B names (9[\d.]+|100)% of the symbols and A [\d.]+%\. Does it reach further\?/);
    // At the beginning, A has lost what B still has.
    await page.getByRole('button', { name: 'pause' }).click();
    const moment = page.locator('[aria-labelledby=unrolled-title] input[type=range]').first();
    await moment.focus();
    await page.keyboard.press('Home');
    await page.locator('[aria-labelledby=unrolled-title] input[type=range]').nth(1).focus();
    await page.keyboard.press('End');
    const picture = page.locator('[aria-labelledby=unrolled-title] svg');
    await says(picture, /A: 60 steps back, [\d.]+·10⁻¹[⁴⁵] of it\. B: 60 steps back, (0\.00\d+|[\d.]+·10⁻³) of it\./, 'aria-label');
    await clean();
  });

  test('without a clip it explodes; dragging the threshold trains anew, with the threshold in the address', async () => {
    const { page, clean } = await watched(browser, at('?lesson=exploding&updates=200'));
    await page.getByRole('button', { name: 'run', exact: true }).click();
    const [a, b] = await outcome(page, 2);
    assert.match(a, /\d+ updates not finite/);
    assert.doesNotMatch(b, /not finite/);
    const overlay = page.locator('section[aria-label="Gradient norm"] .overlay');
    await overlay.scrollIntoViewIfNeeded();
    const box = await overlay.boundingBox();
    const line = await page
      .locator('section[aria-label="Gradient norm"] svg[role=img] line[stroke-width="1.2"]')
      .first()
      .getAttribute('y1');
    assert.ok(box && line);
    await page.mouse.move(box.x + 200, box.y + Number(line));
    await page.mouse.down();
    await page.mouse.move(box.x + 200, box.y + Number(line) + 8, { steps: 3 });
    await page.mouse.up();
    await page.waitForURL(/b\.clip=/);
    const clip = Number(new URL(page.url()).searchParams.get('b.clip'));
    assert.ok(clip > 0 && clip < 1, `${clip}`);
    await outcome(page, 2);
    await clean();
  });

  test('the address holds the experiment', async () => {
    const { page, clean } = await watched(browser, at('?lesson=gates'));
    await page.getByLabel('length').fill('12');
    await page.getByLabel('updates').fill('40');
    const second = page.locator('fieldset').nth(1);
    await second.getByLabel('cell').selectOption('lstm');
    await page.getByLabel('seed').focus();
    await page.waitForURL(/updates=40.*b\.cell=lstm/);
    const address = page.url();
    await clean();
    const again = await watched(browser, address);
    assert.equal(await again.page.getByLabel('length').inputValue(), '12');
    assert.equal(await again.page.locator('fieldset').nth(1).getByLabel('cell').inputValue(), 'lstm');
    await again.page.getByRole('button', { name: 'run', exact: true }).click();
    const outcomes = await outcome(again.page, 2);
    for (const each of outcomes) assert.match(each, /done in [\d.]+ s, 40 updates, validation loss [\d.]+ \(best constant 0\.1/);
    await again.clean();
  });

  test('a file that is dropped is trained on, and one that is none is refused in words', async () => {
    const { page, clean } = await watched(browser, at('?lesson=vanishing&updates=20'));
    const rows = Array.from({ length: 60 }, (_, index) => JSON.stringify({ x: [[index % 2], [1]], y: index % 2 }));
    const drop = (name: string, content: string) =>
      page.evaluate(
        ([title, text]) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([text], title));
          document.querySelector('.page')?.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
        },
        [name, content],
      );
    await drop('mine.ndjson', rows.join('\n'));
    await page.waitForURL(/task=file/);
    await page.getByRole('button', { name: 'run', exact: true }).click();
    await says(page.locator('.outcome p').first(), /done in .* 20 updates, accuracy/);
    await drop('broken.ndjson', '{"x": [[1]], "y": 0}\n{"x": nothing}');
    await page.getByRole('button', { name: 'run', exact: true }).click();
    await page.waitForFunction(() => /broken\.ndjson/.test(document.querySelector('.outcome')?.textContent ?? ''));
    await drop('text.txt', 'to be or not to be, that is the question. '.repeat(80));
    await page.waitForURL(/a\.window=40/);
    await page.getByRole('button', { name: 'run', exact: true }).click();
    await says(page.locator('.outcome p').first(), /done in .* 20 updates, accuracy/);
    await clean();
  });

  test('the accessibility check finds nothing, and everything is reached by keyboard', async () => {
    const { page, clean } = await watched(browser, at('?lesson=truncated&updates=30'));
    await page.getByRole('button', { name: 'run', exact: true }).click();
    await outcome(page, 2);
    await page.getByRole('button', { name: 'pause' }).click();
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(await unreached(page), []);
    await page.getByRole('button', { name: 'dark', exact: true }).click();
    assert.deepEqual(await violations(page, 'color-contrast'), []);
    await clean();
  });
});
