import { readFile } from 'node:fs/promises';
import path from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A file of the built pages. */
export interface PageFile {
  readonly type: string;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** The files of the pages, by the path they are asked for; nothing else is ever read. */
const files: Readonly<Record<string, string>> = {
  '/': 'dashboard/index.html',
  '/dashboard.js': 'dashboard/dashboard.js',
  '/dashboard.css': 'dashboard/dashboard.css',
  '/lab/': 'lab/index.html',
  '/lab/lab.js': 'lab/lab.js',
  '/lab/lab.css': 'lab/lab.css',
  '/lab/trainer.js': 'lab/trainer.js',
};

/** Reads a page's file from the folder of built pages; undefined for a path that is none. */
export async function pageFile(pages: string, asked: string): Promise<PageFile | undefined> {
  if (!Object.hasOwn(files, asked)) return undefined;
  const file = path.join(pages, files[asked]);
  return { type: types[path.extname(file)], content: new Uint8Array(await readFile(file)) };
}
