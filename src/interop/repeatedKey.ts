/**
 * The first key that stands twice in one object of a JSON text, at any depth; undefined where none does. `JSON.parse` keeps the last of
 * them and says nothing.
 *
 * @param text valid JSON.
 */
export function repeatedKey(text: string): string | undefined {
  /** The keys of every object that is open; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;
  for (const { 0: found, 1: colon } of text.matchAll(token)) {
    if (found === '{') open.push(new Set());
    else if (found === '[') open.push(undefined);
    else if (found === '}' || found === ']') open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(found.slice(0, -colon.length)) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}
