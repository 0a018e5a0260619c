import type { CompletedOption, Words } from './words.ts';

/** Completion for fish, with descriptions. */
export function fishScript({ program, verbs, fields }: Words): string {
  const complete = `complete -c ${program}`;
  const first = verbs.map(({ name, description }) => `${complete} -n __fish_use_subcommand -f -a ${name} -d ${quote(description)}`);
  const later = verbs.flatMap(({ name, options, argument }) => {
    const when = `${complete} -n ${quote(`__fish_seen_subcommand_from ${name}`)}`;
    const words = argument === undefined ? '-F' : `-f -a ${quote(argument.join(' '))}`;
    return [`${when} ${words}`, ...options.map((option) => `${when} ${specOf(option, program)} -d ${quote(option.description)}`)];
  });
  const lines = fields.flatMap(({ path, description, values }) => {
    const said = [`${path}=\t${description}`, ...values.map((value) => `${path}=${value}\t`)];
    return said.map((line) => `    ${quote(line)}`);
  });
  return `# fish completion for ${program}: ${program} completion fish | source
function __${program}_fields
  printf '%s\\n' \\
${lines.join(' \\\n')}
end
${complete} -f
${[...first, ...later].join('\n')}
`;
}

function specOf({ name, value }: CompletedOption, program: string): string {
  const long = `-l ${name.slice(2)}`;
  switch (value.kind) {
    case 'none':
      return `${long} -f`;
    case 'path':
      return `${long} -r -F`;
    case 'words':
      return `${long} -x -a ${quote(value.words.join(' '))}`;
    case 'field':
      return `${long} -x -a '(__${program}_fields)'`;
    case 'unknown':
      return `${long} -x`;
  }
}

const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", `\\'`)}'`;
