/**
 * `npm run bench` asks every question of speed, `npm run bench -- trainingStep threads` some. `--quick` is over sooner, `--json file`
 * writes the results (`-` prints them), `--write` puts them in bench/results and makes docs/performance.md from all that is there;
 * `--page` makes that page and measures nothing.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { answer, benchOptions, deliver, store, storedResult } from './answer.ts';
import { performancePage } from './page.ts';
import { questions } from './questions.ts';

const words = process.argv.slice(2);
const page = words.includes('--page');
const options = benchOptions(words.filter((word) => word !== '--page'));
const unknown = options.names.filter((name) => !questions.some((question) => question.name === name));
if (unknown.length > 0) {
  process.stderr.write(`no question ${unknown.join(', ')}; there are ${questions.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
if (!page) {
  const asked = options.names.length === 0 ? questions : questions.filter(({ name }) => options.names.includes(name));
  const answered = [];
  for (const question of asked) {
    const result = await answer(question, options.quick);
    if (options.write) store(result);
    answered.push({ question, result });
  }
  deliver(answered, options.json);
}
if (page || options.write) {
  const text = performancePage(questions.map((question) => ({ question, result: storedResult(question.name) })));
  writeFileSync(path.join(import.meta.dirname, '../docs/performance.md'), text);
}
