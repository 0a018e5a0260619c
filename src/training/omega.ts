import type { PackedMatrix, Reals } from '../compute/backend.ts';
import { ThroughtimeError } from '../errors.ts';
import { layerNames, type Network } from '../network/network.ts';
import { bytesOf } from '../network/unroll/passMemory.ts';
import { pieceSteps } from '../network/unroll/pieces.ts';
import type { RecurrentLayer } from '../network/unroll/recurrentLayer.ts';
import { StateWatch } from '../network/unroll/stateWatch.ts';
import type { TrainingOptions } from './options.ts';
import { constant } from './schedule/constant.ts';
import type { Schedule, ScheduleOption } from './schedule/schedule.ts';
import { scheduleOf } from './schedule/schedules.ts';

/** The `omega` entry of a training. */
export interface OmegaOption {
  /** Of Ω beside the loss, above 0. */
  readonly weight: number;
  /** A factor of the weight for each update; constant by default. */
  readonly schedule?: ScheduleOption;
}

/**
 * The regulariser against vanishing of Pascanu, Mikolov & Bengio (2013, "On the difficulty of training recurrent neural networks", section
 * 3.3), for plain networks: with δ_t = dL/dh_t and f'_t the slopes of step t,
 *
 *     Ω = mean over t and sequences of (‖Wᵀ (f'_t ⊙ δ_t)‖ / ‖δ_t‖ - 1)²
 *
 * over all steps but the first, in all layers, where δ_t is not 0. Of its gradient only the immediate part is taken: by the W that is seen
 * here, with h_t and δ_t as constants. With v = f'_t ⊙ δ_t = dL/dpre_t and u = Wᵀ v, a step gives
 *
 *     dΩ_t/dW = 2 (‖u‖ / ‖δ_t‖ - 1) / (‖δ_t‖ ‖u‖) · v uᵀ
 *
 * which does not depend on the size of δ_t, so that mantissas serve as they are. Costs a product and a weight gradient more for each step.
 */
export class Omega {
  readonly #network: Network;
  readonly #watch: StateWatch;
  readonly #packed: readonly PackedMatrix[];
  /** [L, H, H]: the gradient so far, not yet divided by the number of terms. */
  readonly #gradient: Reals;
  /** [rows, H]: dL/dpre over ‖δ‖, and u. */
  readonly #from: Reals;
  readonly #to: Reals;
  readonly #ofFrom: Reals;
  readonly #ofTo: Reals;
  readonly #weight: number;
  readonly #schedule: Schedule;
  #version = -1;
  #sum = 0;
  #terms = 0;

  /**
   * @param watch that the passes are gone back with; it measures every step.
   * @param T of the longest pass, of B sequences.
   * @param schedule a factor of the weight for each update.
   */
  constructor(network: Network, watch: StateWatch, T: number, B: number, weight: number, schedule: Schedule) {
    const { backend, H, L } = network;
    const rows = Math.min(T, pieceSteps(network, B)) * B;
    this.#network = network;
    this.#watch = watch;
    this.#weight = weight;
    this.#schedule = schedule;
    this.#packed = Array.from({ length: L }, () => backend.allocatePacked(H, H, rows));
    this.#gradient = backend.allocate(L * H * H);
    this.#from = backend.allocate(rows * H);
    this.#to = backend.allocate(rows * H);
    this.#ofFrom = backend.allocate(rows);
    this.#ofTo = backend.allocate(rows);
  }

  /** A pass begins. */
  begin(): void {
    this.#gradient.fill(0);
    this.#sum = 0;
    this.#terms = 0;
  }

  /** Takes in steps [from, to) of a layer, which have been gone back through and whose dL/dpre are mantissas. @param after as of the layer. */
  readonly passed = (layer: RecurrentLayer, index: number, from: number, to: number, after: number): void => {
    const { backend, H } = this.#network;
    const { pre, B } = layer.kept;
    const { norms } = this.#watch.layers[index];
    const first = from * B;
    const rows = (to - from) * B;
    this.#pack();
    backend.multiply(pre, first * H, H, rows, this.#packed[index], this.#to, 0, H, false);
    for (let row = 0; row < rows; row++) {
      const back = after + to - 1 - Math.floor(first / B + row / B);
      const norm = norms[back * B + (row % B)];
      this.#ofFrom[row] = 0;
      this.#ofTo[row] = 0;
      // What the first step has read is a constant.
      if (norm === 0 || back === this.#watch.T - 1) continue;
      const carried = Math.sqrt(backend.sumSquares(this.#to, row * H, H));
      const excess = carried / norm - 1;
      this.#sum += excess * excess;
      this.#terms++;
      if (carried === 0) continue;
      this.#ofFrom[row] = 1 / norm;
      this.#ofTo[row] = (2 * excess) / carried;
    }
    for (let i = 0; i < rows * H; i++) this.#from[i] = pre[first * H + i];
    backend.scaleRows(this.#from, 0, rows, H, this.#ofFrom, 0);
    backend.scaleRows(this.#to, 0, rows, H, this.#ofTo, 0);
    backend.multiplyTransposed(this.#from, 0, H, this.#to, 0, H, H, H, rows, this.#gradient, index * H * H, H);
  };

  /** Adds the gradient of weight · Ω to the network's, for an update from 1, and returns Ω of the pass. */
  finish(update: number): number {
    const { backend, H, L, parameters } = this.#network;
    if (this.#terms === 0) return 0;
    backend.scale(this.#gradient, 0, L * H * H, (this.#weight * this.#schedule(update)) / this.#terms);
    for (let layer = 0; layer < L; layer++) {
      const { at } = parameters.get(layerNames(layer).recurrentWeight);
      backend.add(this.#gradient, layer * H * H, parameters.gradient, at, H * H);
    }
    return this.#sum / this.#terms;
  }

  #pack(): void {
    const { backend, version, parameters, H } = this.#network;
    if (this.#version === version) return;
    for (const [layer, packed] of this.#packed.entries()) {
      backend.pack(parameters.values, parameters.get(layerNames(layer).recurrentWeight).at, H, 1, packed);
    }
    this.#version = version;
  }
}

/** Bytes in the backend's memory that Ω takes: counted, not allocated. */
export function omegaBytes(network: Network, T: number, B: number): number {
  return bytesOf(network, (counted) => {
    new Omega(counted, new StateWatch(counted.backend, network.L, B, null, T), T, B, 1, constant);
  });
}

/** Ω of a training, if it is to have one. @param watch see `Omega`. */
export function omegaOf(
  { omega, updates }: Pick<TrainingOptions, 'omega' | 'updates'>,
  network: Network,
  watch: StateWatch,
  { T, B }: { readonly T: number; readonly B: number },
): Omega | undefined {
  if (!omega) return undefined;
  const { cell, ways, parameters } = network;
  checkOmega({ cell: cell.name, ways, orthogonal: parameters.orthogonal !== undefined });
  return new Omega(network, watch, T, B, omega.weight, scheduleOf(omega.schedule ?? 'constant', updates));
}

/**
 * Refuses Ω where it has no meaning.
 *
 * @throws OPTION_INVALID naming `training.omega`.
 */
export function checkOmega({ cell, ways, orthogonal }: { cell: string; ways: Network['ways']; orthogonal: boolean }): void {
  if (cell !== 'rnn-tanh' && cell !== 'rnn-relu') {
    refuse(`has no meaning for the cell ${cell}, which does not go from step to step by one matrix alone; remove it, or take the cell rnn`);
  }
  if (orthogonal) refuse('has no meaning beside model.orthogonal, which keeps the norm by itself; remove one of them');
  if (ways.some(({ recurrentLag, shortcuts }) => recurrentLag > 1 || shortcuts.length > 0)) {
    refuse('has no meaning beside model.skip, by which the gradient goes around the recurrent matrix; remove one of them');
  }
}

function refuse(sentence: string): never {
  throw new ThroughtimeError('OPTION_INVALID', sentence, { field: 'training.omega' });
}
