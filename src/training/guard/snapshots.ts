import type { Reals } from '../../compute/backend.ts';
import type { Trainer, TrainerCursor } from '../trainer.ts';
import { explosion } from './explosion.ts';

/** Updates between two snapshots. */
const every = 50;

/** Where a training stood: everything that it needs to go on from there to the same bits. */
export interface Snapshot {
  readonly cursor: TrainerCursor;
  readonly values: Reals;
  readonly slots: readonly { readonly name: string; readonly values: Reals }[];
  readonly carried: readonly { readonly name: string; readonly values: Reals }[];
  readonly memories: readonly { readonly name: string; readonly values: Float64Array }[];
}

/** Copies where a training stands. */
export function takeSnapshot(trainer: Trainer): Snapshot {
  const copy = ({ name, values }: { name: string; values: Reals }) => ({ name, values: values.slice() });
  return {
    cursor: trainer.cursor,
    values: trainer.network.parameters.values.slice(),
    slots: trainer.updater.slots.map(copy),
    carried: trainer.carried().map(copy),
    memories: trainer.memories.map((memory) => ({ name: memory.name, values: memory.save() })),
  };
}

/** Puts a training back to where it stood. @param memories whether what it remembers of earlier gradients and losses goes back too. */
export function restoreSnapshot(trainer: Trainer, { cursor, values, slots, carried, memories }: Snapshot, withMemories = true): void {
  const named = (list: Snapshot['slots' | 'carried'], name: string) => list.find((each) => each.name === name)?.values ?? [];
  trainer.network.parameters.values.set(values);
  for (const slot of trainer.updater.slots) slot.values.set(named(slots, slot.name));
  trainer.restore(cursor, (name) => named(carried, name));
  if (!withMemories) return;
  for (const memory of trainer.memories) memory.restore(memories.find(({ name }) => name === memory.name)?.values ?? []);
}

/** The last good moments of a training: one of the newest, and one from before that. */
export class Snapshots {
  #kept: Snapshot[] = [];

  /** What is kept, the newest first. */
  get kept(): readonly Snapshot[] {
    return this.#kept;
  }

  /** Takes up what was kept. */
  restore(kept: readonly Snapshot[]): void {
    this.#kept = [...kept];
  }

  /** Keeps the present moment if it is time to, and no explosion has been seen lately. */
  consider(trainer: Trainer, lastExplosion: number): void {
    const { update } = trainer;
    if (this.#kept.length > 0 && (update % every !== 0 || update - lastExplosion <= explosion.unsafe)) return;
    this.#kept = [takeSnapshot(trainer), ...this.#kept].slice(0, 2);
  }

  /** The newest one from far enough before an update; the oldest there is, where none is that old. Undefined before the first. */
  before(update: number): Snapshot | undefined {
    return this.#kept.find(({ cursor }) => cursor.update <= update - explosion.unsafe) ?? this.#kept.at(-1);
  }
}
