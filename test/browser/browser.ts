import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { buildPages } from '../../scripts/pages.ts';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Why tests in a browser are skipped; false where there is one. */
export const skipped: string | false = existsSync(executablePath) ? false : `no Chromium at ${executablePath}; name it in CHROMIUM`;

export function launch(): Promise<Browser> {
  const quiet = ['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-quic', ...quiet] });
}

/** The pages as the sources are now, in a folder that `remove` takes away. */
export async function freshPages(): Promise<{ folder: string; remove: () => void }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pages-'));
  await buildPages(folder);
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}

/** A page that is watched: what it says on its console, what fails in it, and whom it asks. */
export async function watched(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; clean: () => Promise<void> }> {
  const page = await browser.newPage({ viewport: { width: 1300, height: 900 }, ...options });
  const complaints: string[] = [];
  const { origin } = new URL(address);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.origin !== origin) complaints.push(`asked ${url.origin}`);
  });
  await page.goto(address);
  return {
    page,
    clean: async () => {
      assert.deepEqual(complaints, []);
      await page.close();
    },
  };
}

/** Waits until an element says what is expected, in its text or an attribute; whatever it says at first. */
export async function says(element: Locator, expected: RegExp, attribute?: string): Promise<string> {
  let said = '';
  for (let attempt = 0; attempt < 2400; attempt++) {
    said = (attribute === undefined ? await element.innerText() : await element.getAttribute(attribute)) ?? '';
    if (expected.test(said)) return said;
    await element.page().waitForTimeout(100);
  }
  return assert.fail(`${element} says ${said}, not ${expected}`);
}

/** Violations that the accessibility check finds on a page, in a line each; of one rule alone, where it is named. */
export async function violations(page: Page, rule?: string): Promise<string[]> {
  await page.evaluate(axe.source);
  const results = await page.evaluate(
    (only) => (globalThis as unknown as { axe: typeof axe }).axe.run(document, only ? { runOnly: [only] } : {}),
    rule,
  );
  return results.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary ?? ''}`).join(' | ')}`,
  );
}

/** The controls of a page that Tab does not come to. */
export async function unreached(page: Page): Promise<string[]> {
  await page.evaluate('for (const each of document.querySelectorAll("details")) each.open = true');
  const describe = `(element) => element.outerHTML.slice(0, 120)`;
  const wanted = (await page.evaluate(
    `[...document.querySelectorAll('button, a[href], input, select, summary, [tabindex="0"]')].filter((each) => !each.disabled && each.getClientRects().length > 0).map((each, index) => { each.dataset.order = String(index); return (${describe})(each); })`,
  )) as string[];
  const reached = new Set<number>();
  await page.evaluate('document.activeElement?.blur(); window.getSelection()?.removeAllRanges()');
  for (let press = 0; press < 2 * wanted.length && reached.size < wanted.length; press++) {
    await page.keyboard.press('Tab');
    const order = (await page.evaluate('document.activeElement?.dataset.order')) as string | undefined;
    if (order !== undefined) reached.add(Number(order));
  }
  return wanted.filter((_, index) => !reached.has(index));
}
