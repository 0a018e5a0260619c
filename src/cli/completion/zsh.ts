import type { CompletedOption, Words } from './words.ts';

/** Completion for zsh, with descriptions. */
export function zshScript({ program, verbs, fields }: Words): string {
  const described = verbs.map(({ name, description }) => `    ${quote(`${name}:${description}`)}`);
  const cases = verbs.map(({ name, options, argument }) => {
    const rest = argument === undefined ? '*:file:_files' : `*:word:(${argument.join(' ')})`;
    const specs = [...options.map((option) => specOf(option, program)), quote(rest)];
    return `    ${name}) _arguments ${specs.join(' \\\n      ')} ;;`;
  });
  const values = fields
    .filter((field) => field.values.length > 0)
    .map((field) => `      ${field.path}) compadd -- ${field.values.join(' ')} ;;`);
  return `#compdef ${program}
# zsh completion for ${program}: source <(${program} completion zsh), or a file _${program} in a folder of $fpath
_${program}_field() {
  if compset -P '*='; then
    case \${IPREFIX%=} in
${values.join('\n')}
    esac
  else
    local -a fields=(
${fields.map(({ path, description }) => `      ${quote(`${path}:${description}`)}`).join('\n')}
    )
    _describe -t fields field fields -q -S =
  fi
}
_${program}() {
  local -a verbs=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe -t verbs verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _${program} ]]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`;
}

function specOf({ name, description, repeated, value }: CompletedOption, program: string): string {
  const help = description.replaceAll(/[[\]:\\]/g, String.raw`\$&`);
  const once = `${repeated ? '*' : ''}${name}[${help}]`;
  if (value.kind === 'none') return quote(once);
  const answer = {
    words: () => `(${value.kind === 'words' ? value.words.join(' ') : ''})`,
    field: () => `_${program}_field`,
    path: () => '_files',
    unknown: () => '',
  };
  return quote(`${once}:value:${answer[value.kind]()}`);
}

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
