/** The object that a line of JSON says; an empty one for what is no object, which the reader then finds to lack what it needs. */
export function parsedLine(text: string, revive?: (key: string, value: unknown) => unknown): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text, revive);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
