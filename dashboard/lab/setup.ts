/** What the visitor can choose. All of it is in the page's address. */
export interface Setup {
  readonly task: TaskName;
  /** Steps of a sequence; for recall, how many steps ago the symbol was shown. */
  readonly length: number;
  readonly updates: number;
  readonly seed: number;
  /** The networks that are trained side by side; the second may be left out. */
  readonly networks: readonly [NetworkSetup] | readonly [NetworkSetup, NetworkSetup];
}

export interface NetworkSetup {
  readonly cell: 'rnn' | 'lstm' | 'gru';
  /** Of `rnn`. */
  readonly activation: 'tanh' | 'relu';
  readonly start: 'default' | 'gaussian' | 'orthogonal' | 'identity';
  /** Of a gaussian or orthogonal start: by what the matrix is multiplied. */
  readonly gain: number;
  /** Whether the recurrent matrix stays orthogonal through the whole training; asks for an orthogonal start. */
  readonly keeps: 'free' | 'orthogonal';
  /** A shorter way through time, and over how many steps it leads. */
  readonly skip: 'none' | 'add' | 'weighted' | 'dilated';
  readonly skipLag: number;
  readonly hidden: number;
  readonly optimizer: 'adam' | 'sgd';
  readonly rate: number;
  /** Threshold of the global norm; 0 is no clip. */
  readonly clip: number;
  /** Steps the gradient goes back, k2; 0 is all of them. */
  readonly window: number;
}

export const taskNames = ['recall', 'adding', 'temporalOrder', 'copying', 'parity'] as const;
/** A task of the core, or the visitor's own file. */
export type TaskName = (typeof taskNames)[number] | 'file';

export const defaultNetwork: NetworkSetup = {
  cell: 'rnn',
  activation: 'tanh',
  start: 'default',
  gain: 1,
  keeps: 'free',
  skip: 'none',
  skipLag: 15,
  hidden: 32,
  optimizer: 'adam',
  rate: 0.001,
  clip: 1,
  window: 0,
};

/** What a field may be: one of some words, or a number within bounds. */
type Rule = readonly string[] | { readonly least: number; readonly most: number; readonly whole?: boolean };

export const networkRules: Readonly<Record<keyof NetworkSetup, Rule>> = {
  cell: ['rnn', 'lstm', 'gru'],
  activation: ['tanh', 'relu'],
  start: ['default', 'gaussian', 'orthogonal', 'identity'],
  gain: { least: 0.01, most: 10 },
  keeps: ['free', 'orthogonal'],
  skip: ['none', 'add', 'weighted', 'dilated'],
  skipLag: { least: 1, most: 999, whole: true },
  hidden: { least: 2, most: 128, whole: true },
  optimizer: ['adam', 'sgd'],
  rate: { least: 1e-6, most: 10 },
  clip: { least: 0, most: 1e6 },
  window: { least: 0, most: 2000, whole: true },
};

export const setupRules = {
  task: [...taskNames, 'file'],
  length: { least: 1, most: 1000, whole: true },
  updates: { least: 10, most: 20_000, whole: true },
  seed: { least: 0, most: 1e9, whole: true },
} as const satisfies Record<string, Rule>;

/** What a text says of a field; undefined where that is not allowed. */
export function fieldFrom(rule: Rule, text: string): string | number | undefined {
  if (Array.isArray(rule)) return rule.includes(text) ? text : undefined;
  const { least, most, whole } = rule as Exclude<Rule, readonly string[]>;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) && value >= least && value <= most && (!whole || Number.isInteger(value)) ? value : undefined;
}

/** The lesson and the setup of an address. What it does not say is as in `otherwise`; what is not allowed counts as not said. */
export function setupFrom(search: string, otherwise: Setup): Setup {
  const fields = new URLSearchParams(search);
  const read = <Field extends string | number>(rule: Rule, name: string, given: Field) =>
    (fieldFrom(rule, fields.get(name) ?? '') as Field | undefined) ?? given;
  const network = (letter: string, given: NetworkSetup): NetworkSetup =>
    Object.fromEntries(
      Object.entries(networkRules).map(([name, rule]) => [name, read(rule, `${letter}.${name}`, given[name as keyof NetworkSetup])]),
    ) as unknown as NetworkSetup;
  const [a, b] = otherwise.networks;
  const two = fields.get('networks');
  const second = two === '1' ? undefined : (b ?? (two === '2' ? a : undefined));
  return {
    task: read(setupRules.task, 'task', otherwise.task),
    length: read(setupRules.length, 'length', otherwise.length),
    updates: read(setupRules.updates, 'updates', otherwise.updates),
    seed: read(setupRules.seed, 'seed', otherwise.seed),
    networks: second ? [network('a', a), network('b', second)] : [network('a', a)],
  };
}

/** The fields of an address that say how a setup differs from another one. */
export function addressOf(lesson: string, setup: Setup, otherwise: Setup, search: string): string {
  const before = new URLSearchParams(search);
  const fields = new URLSearchParams({ lesson });
  const theme = before.get('theme');
  if (theme) fields.set('theme', theme);
  for (const name of ['task', 'length', 'updates', 'seed'] as const)
    if (setup[name] !== otherwise[name]) fields.set(name, String(setup[name]));
  if (setup.networks.length !== otherwise.networks.length) fields.set('networks', String(setup.networks.length));
  for (const [index, network] of setup.networks.entries()) {
    const base = otherwise.networks[index] ?? otherwise.networks[0];
    for (const name of Object.keys(networkRules) as (keyof NetworkSetup)[]) {
      if (network[name] !== base[name]) fields.set(`${'ab'[index]}.${name}`, String(network[name]));
    }
  }
  return `?${fields}`;
}

/** A network in a few words. */
export function nameOf({ cell, activation, start, gain, keeps, skip, skipLag, clip, window }: NetworkSetup): string {
  const kind = cell === 'rnn' ? `${activation} RNN` : cell.toUpperCase();
  const begun = start === 'default' ? '' : `, ${start}${gain === 1 || start === 'identity' ? '' : ` ${gain}`}`;
  const kept = keeps === 'orthogonal' ? ', kept orthogonal' : '';
  const way = skip === 'none' ? '' : `, ${skip} skip of ${skipLag}`;
  return `${kind}${begun}${kept}${way}${clip === 0 ? ', no clip' : ''}${window === 0 ? '' : `, window ${window}`}`;
}
