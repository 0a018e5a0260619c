import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { FollowedRun } from './followedRun.ts';

/** How deep below the folder run directories are looked for. */
const depth = 3;

/**
 * The run directories of a folder, which may be one itself. A run is known by its path below the folder, and only what was found by looking
 * is ever opened: a name from outside is looked up among them and is no path.
 */
export class RunList {
  readonly folder: string;
  readonly #runs = new Map<string, FollowedRun>();
  #looking: Promise<void> | undefined;

  readonly #most: number;

  /** @param most runs that are shown. */
  constructor(folder: string, most = 2000) {
    this.folder = folder;
    this.#most = most;
  }

  get(name: string): FollowedRun | undefined {
    return this.#runs.get(name);
  }

  /** Whether there are more than are shown. */
  cut = false;

  get all(): FollowedRun[] {
    return [...this.#runs.values()];
  }

  /** Looks for runs that have come or gone. Two at once are one. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const names: string[] = [];
    await find(this.folder, '', depth, names, this.#most + 1);
    this.cut = names.length > this.#most;
    names.length = Math.min(this.#most, names.length);
    for (const name of names) {
      if (!this.#runs.has(name)) this.#runs.set(name, new FollowedRun(path.join(this.folder, name), name));
    }
    for (const name of this.#runs.keys()) if (!names.includes(name)) this.#runs.delete(name);
  }
}

/** @param enough names, after which no more are looked for. */
async function find(folder: string, name: string, left: number, names: string[], enough: number): Promise<void> {
  if (names.length >= enough) return;
  const here = path.join(folder, name);
  if (
    await stat(path.join(here, 'run.json')).then(
      (found) => found.isFile(),
      () => false,
    )
  )
    names.push(name === '' ? '.' : name);
  if (left === 0) return;
  const entries = await readdir(here, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    // Links are not followed: what is served lies in the folder that was named.
    if (entry.isDirectory() && !entry.name.startsWith('.'))
      await find(folder, name === '' ? entry.name : `${name}/${entry.name}`, left - 1, names, enough);
  }
}
