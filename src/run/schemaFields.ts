/** A field of an experiment file as its JSON Schema tells of it. */
export interface SchemaField {
  /** `model.cell`, as `--set` takes it. */
  readonly path: string;
  readonly description: string;
  readonly required: boolean;
  /** What it is where it is left out, where that is a value. */
  readonly byDefault: unknown;
  /** The words, numbers and switches that it may be, where they are few. */
  readonly values: readonly string[];
}

interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
}

/** Every field, in the order of the schema; one that several alternatives have comes once, with the values of all. */
export function fieldsOf(schema: object): SchemaField[] {
  const found = new Map<string, SchemaField>();
  collect(schema as Node, '', found);
  return [...found.values()];
}

function collect(node: Node, prefix: string, found: Map<string, SchemaField>): void {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const before = found.get(path);
    found.set(path, {
      path,
      description: before?.description ?? child.description ?? '',
      required: (before?.required ?? true) && (node.required ?? []).includes(name),
      byDefault: before?.byDefault ?? child.default,
      values: [...new Set([...(before?.values ?? []), ...valuesOf(child)])],
    });
    collect(child, path, found);
  }
  for (const each of alternatives(node)) collect(each, prefix, found);
}

const alternatives = (node: Node): readonly Node[] => [...(node.anyOf ?? []), ...(node.oneOf ?? [])];

function valuesOf(node: Node): string[] {
  if (node.const !== undefined) return [String(node.const)];
  if (node.enum) return node.enum.map(String);
  if (node.type === 'boolean') return ['true', 'false'];
  return alternatives(node).flatMap(valuesOf);
}
