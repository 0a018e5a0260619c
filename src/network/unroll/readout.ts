import type { Backend, PackedMatrix, Reals } from '../../compute/backend.ts';
import type { Batch } from '../batch.ts';
import type { Loss } from '../loss/loss.ts';
import type { Network } from '../network.ts';
import type { Injection } from './injection.ts';

/** The linear read-out of the top layer at the counted steps, [R, H] -> [R, O], and its way back. */
export class Readout {
  /** [R, O]: the network's outputs at the counted steps, after `forward`; dL/d(outputs) after `differentiate`. */
  readonly outputs: Reals;
  readonly #network: Network;
  readonly #backend: Backend;
  readonly #capacity: number;
  readonly #weightAt: number;
  readonly #biasAt: number;
  readonly #forward: PackedMatrix;
  readonly #backward: PackedMatrix;
  /** [R, H]: rows of the top layer's output, where not all are counted. */
  readonly #picked: Reals;
  readonly #gradient: Reals;
  readonly #rowOf: Int32Array;
  #source: Reals;
  #sourceAt = 0;
  #forwardVersion = -1;
  #backwardVersion = -1;

  constructor(network: Network, capacity: number) {
    const { backend, H, O, parameters } = network;
    this.#network = network;
    this.#backend = backend;
    this.#capacity = capacity;
    this.#weightAt = parameters.get('readout.weight').at;
    this.#biasAt = parameters.get('readout.bias').at;
    this.outputs = backend.allocate(capacity * O);
    this.#forward = backend.allocatePacked(H, O);
    this.#backward = backend.allocatePacked(O, H);
    this.#picked = backend.allocate(capacity * H);
    this.#gradient = backend.allocate(capacity * H);
    this.#rowOf = backend.allocateIndices(capacity);
    this.#source = this.#picked;
  }

  /** Outputs of the batch's counted steps from the top layer's output [T, B, H] at `at`. */
  forward(top: Reals, at: number, batch: Batch): void {
    const { parameters, H, O, version } = this.#network;
    const backend = this.#backend;
    if (this.#forwardVersion !== version) {
      backend.pack(parameters.values, this.#weightAt, 1, H, this.#forward);
      this.#forwardVersion = version;
    }
    if (batch.counted === batch.T * batch.B) {
      this.#source = top;
      this.#sourceAt = at;
    } else {
      backend.gatherRows(top, at, batch.rows, 0, batch.counted, H, this.#picked, 0);
      this.#source = this.#picked;
      this.#sourceAt = 0;
    }
    backend.multiplyBias(
      this.#source,
      this.#sourceAt,
      H,
      batch.counted,
      this.#forward,
      parameters.values,
      this.#biasAt,
      this.outputs,
      0,
      O,
    );
  }

  /** Sum of the losses of all counted targets; `outputs` stay as they are. */
  evaluate(batch: Batch, loss: Loss): number {
    return this.#evaluate(loss, batch, false, 1);
  }

  /**
   * The same, and the way back: adds the read-out's gradients to the network's (unless `onlyStates`) and returns with the
   * sum what goes into the top layer.
   */
  differentiate(batch: Batch, loss: Loss, weight: number, onlyStates: boolean): { sum: number; injection: Injection } {
    const { parameters, H, O, version } = this.#network;
    const backend = this.#backend;
    const { counted } = batch;
    if (this.#backwardVersion !== version) {
      backend.pack(parameters.values, this.#weightAt, H, 1, this.#backward);
      this.#backwardVersion = version;
    }
    const sum = this.#evaluate(loss, batch, true, weight);
    if (!onlyStates) {
      backend.multiplyTransposed(
        this.outputs,
        0,
        O,
        this.#source,
        this.#sourceAt,
        H,
        O,
        H,
        counted,
        parameters.gradient,
        this.#weightAt,
        H,
      );
      backend.addColumnSums(this.outputs, 0, O, counted, O, parameters.gradient, this.#biasAt);
    }
    backend.multiply(this.outputs, 0, O, counted, this.#backward, this.#gradient, 0, H, false);
    let rows: Int32Array | null = null;
    if (counted !== batch.T * batch.B) {
      rows = this.#rowOf;
      rows.fill(-1, 0, Math.min(this.#capacity, batch.T * batch.B));
      for (let r = 0; r < counted; r++) rows[batch.rows[r]] = r;
    }
    return { sum, injection: { values: this.#gradient, rows, exponents: null } };
  }

  #evaluate(loss: Loss, batch: Batch, differentiate: boolean, weight: number): number {
    const fused = this.#backend.fused.losses[loss.name];
    return fused ? fused(this.outputs, batch, differentiate, weight) : loss.evaluate(this.outputs, batch, differentiate, weight);
  }
}
