/** JSON has no NaN and no infinity: they are written as the strings "NaN", "Infinity" and "-Infinity". */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_, each) => (typeof each === 'number' && !Number.isFinite(each) ? String(each) : each), indent);
}
