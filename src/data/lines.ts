import { ThroughtimeError } from '../errors.ts';

/**
 * Cuts a file that arrives in pieces into its lines, without their line ends (LF or CRLF). A byte order mark at the beginning is left
 * out; a last line without an end counts, an empty one after the last end does not.
 *
 * @param pieces bytes in UTF-8, or text, cut anywhere.
 * @throws DATA_INVALID where the bytes are not UTF-8.
 */
export async function* splitLines(
  pieces: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
  file: string,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest = '';
  let line = 0;
  const decode = (piece?: Uint8Array): string => {
    try {
      return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
    } catch (cause) {
      const sentence = 'must be text in UTF-8, got bytes that are not; save the file in this encoding';
      throw new ThroughtimeError('DATA_INVALID', sentence, { file, line: line + 1 }, { cause });
    }
  };
  const finish = (text: string): string => {
    line++;
    if (line === 1 && text.startsWith('\ufeff')) text = text.slice(1);
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  };
  for await (const piece of pieces) {
    const text = typeof piece === 'string' ? piece : decode(piece);
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      yield finish(rest + text.slice(from, end));
      rest = '';
      from = end + 1;
    }
    rest += text.slice(from);
  }
  rest += decode();
  if (rest !== '') yield finish(rest);
}
