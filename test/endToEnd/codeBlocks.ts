/** The pieces of code in the pages and in the docstrings, which have to be right. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

export const root = path.resolve(import.meta.dirname, '../..');
export const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root });

export interface CodeBlock {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly code: string;
}

/** The code blocks of a page in one language. */
export function blocks(page: string, language: string): string[] {
  return blocksIn(readFileSync(path.join(root, page), 'utf8'), language).map(({ code }) => code);
}

/** The TypeScript of all pages. */
export const pageExamples = (): CodeBlock[] =>
  pages.flatMap((file) => blocksIn(readFileSync(path.join(root, file), 'utf8'), 'ts').map((block) => ({ file, ...block })));

/** The examples of all docstrings. */
export const docstringExamples = (): CodeBlock[] =>
  globSync('src/**/*.ts', { cwd: root, exclude: ['src/**/*.test.ts'] })
    .sort()
    .flatMap((file) => {
      const text = readFileSync(path.join(root, file), 'utf8');
      return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap((match) => {
        const begin = text.slice(0, match.index).split('\n').length;
        const plain = match[0].replaceAll(/^ *\* ?/gm, '');
        return blocksIn(plain, 'ts').map(({ line, code }) => ({ file, line: begin + line - 1, code }));
      });
    });

/** The code with the package's names replaced by its sources. */
export function onSources(code: string): string {
  const source = (name: string) => `'${pathToFileURL(path.join(root, 'src', name)).href}'`;
  return code.replaceAll(`'throughtime/node'`, source('node.ts')).replaceAll(`'throughtime'`, source('index.ts'));
}

function blocksIn(text: string, language: string): { line: number; code: string }[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    .filter((match) => match[1] === language)
    .map((match) => ({ line: text.slice(0, match.index).split('\n').length, code: match[2] }));
}
