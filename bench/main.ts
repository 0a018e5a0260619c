/**
 * `npm run bench` asks every question of speed, `npm run bench -- trainingStep threads` some. `--quick` is over sooner, `--json file`
 * writes the results (`-` prints them), `--write` puts them in bench/results and makes docs/performance.md from all that is there;
 * `--page` makes that page and measures nothing.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import '../scripts/freshKernels.ts';
import { answer, benchOptions, deliver, store, storedResult } from './answer.ts';
import { performancePage } from './page.ts';
import { questions } from './questions.ts';

const names = questions.map(({ name }) => name);
const { names: asked, quick, json, write, page } = benchOptions(process.argv.slice(2), names);
if (!page) {
  const answered = [];
  for (const question of questions.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
    const result = await answer(question, quick);
    if (write) store(result);
    answered.push({ question, result });
  }
  deliver(answered, json);
}
if (page || write) {
  const text = performancePage(questions.map((question) => ({ question, result: storedResult(question.name) })));
  writeFileSync(path.join(import.meta.dirname, '../docs/performance.md'), text);
}
