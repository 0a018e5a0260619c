import type { CellBackwardStep, Reals } from '../../compute/backend.ts';
import type { Network } from '../network.ts';
import { bytesOf } from './passMemory.ts';
import type { RecurrentLayer } from './recurrentLayer.ts';

/**
 * One step of a layer as a linear map, unit by unit: the derivatives of each new state by the pre-activations, by the recurrent
 * terms kept apart, and by the states before (around the matrices). With D_a,g = diag(ds_a/dpre_g) and W_g the recurrent block of
 * gate g, the Jacobian of the step is
 *
 *     ds_a/dh_{t-1} = sum over g of D_a,g W_g + diag(ds_a/dh)        ds_a/dc_{t-1} = diag(ds_a/dc)
 *
 * Where the gates kept apart read another vector q than h_{t-1}, its derivatives by the gates that it is made of and by h_{t-1} come to that:
 * then ds_a/dq = sum over these gates of D_a,g W_g.
 *
 * A cell's backward step is linear in dL/ds_t and treats each unit by itself. So the derivatives are what it makes of ones: one
 * call for each state, for all sequences at once, and any cell that keeps the contract of `cell.ts` has them.
 */
export class Linearization {
  /** [S, B, G*H]: state a by the pre-activations. */
  readonly pre: Reals;
  /** [S, B, A*H]: state a by the recurrent terms kept apart. */
  readonly apart: Reals;
  /** [S, S, B, H]: state a by the state c before, not through a matrix. */
  readonly direct: Reals;
  /** [B, G*H] and [B, H]: q by the pre-activations, and by h_{t-1} not through a matrix; undefined where q is h_{t-1}. */
  readonly apartRead: { readonly pre: Reals; readonly direct: Reals } | undefined;
  /** Of q likewise, and the ones that it is given. */
  readonly #readStep: CellBackwardStep | undefined;
  readonly #ones: Reals;
  readonly #network: Network;
  /** Per state, the backward step that is given ones for it. */
  readonly #steps: CellBackwardStep[];

  /** Room for B sequences. */
  constructor(network: Network, B: number) {
    const { backend, cell, H } = network;
    const { gates: G, apart: A, states } = cell;
    const S = states.length;
    const pre = backend.allocate(S * B * G * H);
    const apart = backend.allocate(S * B * A * H);
    const direct = backend.allocate(S * S * B * H);
    this.pre = pre;
    this.apart = apart;
    this.direct = direct;
    const own = cell.apartInput ? B * H : 0;
    const read = { pre: backend.allocate(own * G), direct: backend.allocate(own) };
    this.#ones = backend.allocate(own).fill(1);
    this.apartRead = cell.apartInput ? read : undefined;
    this.#readStep = cell.apartInput && {
      ...{ B, H, pre: read.pre, apart, preAt: 0, apartAt: 0, states: [], previousAt: 0, nextAt: 0, units: pre, unitsAt: 0 },
      dStates: states.map((_, c) => (c === 0 ? read.direct : backend.allocate(own))),
    };
    this.#network = network;
    this.#steps = states.map((_, a) => ({
      ...{ B, H, pre, apart, preAt: a * B * G * H, apartAt: a * B * A * H, states: [], previousAt: 0, nextAt: 0, units: pre, unitsAt: 0 },
      dStates: states.map((_, c) => direct.subarray((a * S + c) * B * H, (a * S + c + 1) * B * H)),
    }));
  }

  /** The derivatives of step t of the layer's last forward pass, whose memory stays as it is. */
  take(layer: RecurrentLayer, t: number): void {
    const { kernel, cell, H } = this.#network;
    const { pre, apart, units, unitsAt, B } = layer.kept;
    const [preSize, apartSize] = [B * cell.gates * H, B * cell.apart * H];
    const place = (step: CellBackwardStep) => {
      step.B = B;
      step.states = layer.states;
      step.units = units;
      step.unitsAt = unitsAt;
      step.nextAt = (layer.history + t) * B * H;
      step.previousAt = step.nextAt - layer.recurrentLag * B * H;
    };
    for (const [a, step] of this.#steps.entries()) {
      place(step);
      this.pre.set(pre.subarray(t * preSize, (t + 1) * preSize), step.preAt);
      this.apart.set(apart.subarray(t * apartSize, (t + 1) * apartSize), step.apartAt);
      for (const [c, dState] of step.dStates.entries()) dState.fill(a === c ? 1 : 0, 0, B * H);
      kernel.backward(step);
      // What the cell's own steps do not touch is no derivative.
      for (const gate of cell.apartInput?.gates ?? []) clearGate(step, gate, cell.gates);
    }
    const step = this.#readStep;
    if (!step || !cell.apartInput) return;
    place(step);
    step.pre.set(pre.subarray(t * preSize, (t + 1) * preSize));
    for (const dState of step.dStates) dState.fill(0, 0, B * H);
    cell.apartInput.backward(step, this.#ones);
    for (let gate = 0; gate < cell.gates; gate++) if (!cell.apartInput.gates.includes(gate)) clearGate(step, gate, cell.gates);
  }
}

/** Sets the block of a gate to 0 in all rows. */
function clearGate({ B, H, pre, preAt }: CellBackwardStep, gate: number, G: number): void {
  for (let b = 0; b < B; b++) pre.fill(0, preAt + (b * G + gate) * H, preAt + (b * G + gate + 1) * H);
}

/** Bytes that a linearization takes: counted, not allocated. */
export function linearizationBytes(network: Network, B: number): number {
  return bytesOf(network, (counted) => new Linearization(counted, B));
}
