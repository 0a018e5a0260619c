import type { Machine } from './machine.ts';
import type { Question, Result } from './question.ts';

/** docs/performance.md, from the stored results: a section for each question, in order. The same results give the same page. */
export function performancePage(answered: readonly { readonly question: Question; readonly result: Result | undefined }[]): string {
  const sections = answered.map(({ question, result }) => {
    const body = result ? `${question.section(result.answer)}\n\n${provenance(result)}` : notYet(question);
    return `## ${question.title}\n\n${body}`;
  });
  return `# Performance

Made from the numbers in \`bench/results\`, which \`npm run bench -- --write\` measures and writes, this page with them;
\`npm run bench -- ${answered[0].question.name}\` asks one question alone. Everything that is compared was measured in turns in one run on one machine.

${sections.join('\n\n')}
`;
}

function notYet({ name }: Question): string {
  return `Not measured yet: \`npm run bench -- ${name} --write\`.`;
}

/** Where and when, and what speaks against the numbers. */
function provenance({ question, date, quick, seconds, machine }: Result): string {
  const busy = machine.load > 0.5 ? ` The machine was busy with something else: a load of ${machine.load} before the start.` : '';
  const hurried = quick ? ' A quick run: fewer rounds, some peers left out.' : '';
  return `\`bench/${question}.ts\`, ${date}, ${duration(seconds)}: ${described(machine)}.${hurried}${busy}`;
}

function described({ processor, cores, memory, system, node, throughtime }: Machine): string {
  return `${processor}, ${cores} cores, ${memory} GB, ${system}, Node ${node}, throughtime ${throughtime}`;
}

function duration(seconds: number): string {
  return seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
