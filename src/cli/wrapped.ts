/** Characters of a line where nothing is said. */
const usual = 98;

/** Lines of at most 98 characters, or of as many as are given, indented. A longer word has a line of its own. */
export function wrapped(text: string, indent = '  ', width = usual): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (indent.length + line.length + word.length + 1 > width && line !== '') {
      lines.push(`${indent}${line}`);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, `${indent}${line}`];
}
