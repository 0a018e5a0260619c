import { assignments, type Value, type Words } from './words.ts';

/**
 * Completion for bash 3.2 and later. bash takes `model.cell=lstm` for three words, so the line is split here, at blanks; and of what it
 * is answered it inserts what follows the last `=`.
 */
export function bashScript({ program, verbs, fields }: Words): string {
  const names = verbs.map(({ name }) => name);
  const values = verbs.flatMap(({ name, options }) =>
    options.flatMap((option) => {
      const answer = answerOf(option.value);
      return answer ? [`    ${quote(`${name} ${option.name}`)}) ${answer} ;;`] : [];
    }),
  );
  const words = verbs.map(({ name, options, argument }) => {
    const files = argument === undefined ? 'kind=files' : `words=${quote(argument.join(' '))}`;
    return `    ${name}) if [[ $last == -* ]]; then words=${quote(options.map((each) => each.name).join(' '))}; else ${files}; fi ;;`;
  });
  return `# bash completion for ${program}: source <(${program} completion bash)
_${program}() {
  local line last before verb each kind words
  line=\${COMP_LINE:0:COMP_POINT}
  last=\${line##*[[:space:]]}
  local given
  read -r -a given <<< "\${line%"$last"}"
  before=\${given[\${#given[@]}-1]}
  for each in "\${given[@]:1}"; do
    case $each in ${names.join('|')}) verb=$each; break ;; esac
  done
  local fields=${quote(fields.map(({ path }) => `${path}=`).join(' '))}
  local values=${quote(assignments(fields).join(' '))}
  case "$verb $before" in
${values.join('\n')}
    *) case "$verb" in
    '') words=${quote(names.join(' '))}; [[ $last == -* ]] && words='--help --version' ;;
${words.join('\n')}
    esac ;;
  esac
  [[ $kind == field && $last == *=* ]] && words=$values
  [[ $kind == field && $last != *=* ]] && words=$fields && compopt -o nospace 2> /dev/null
  COMPREPLY=()
  if [[ $kind == files ]]; then
    compopt -o filenames 2> /dev/null
    while IFS= read -r each; do COMPREPLY+=("$each"); done < <(compgen -f -- "$last")
    return
  fi
  while IFS= read -r each; do
    [[ $last == *=* && $COMP_WORDBREAKS == *=* ]] && each=\${each#"\${last%=*}="}
    [[ -n $each ]] && COMPREPLY+=("$each")
  done < <(compgen -W "$words" -- "$last")
}
complete -F _${program} ${program}
`;
}

function answerOf(value: Value): string | undefined {
  if (value.kind === 'words') return `words=${quote(value.words.join(' '))}`;
  if (value.kind === 'field') return 'kind=field';
  if (value.kind === 'path') return 'kind=files';
  return value.kind === 'unknown' ? "words=''" : undefined;
}

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
