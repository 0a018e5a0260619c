import { totalmem } from 'node:os';

/** Of what the machine, or the container that this process is in, has: so much may be taken where nothing is said. */
const share = 0.8;

/** Bytes that trials may take together where nothing is said. */
export function defaultMemory(): number {
  const constrained = process.constrainedMemory();
  return share * (constrained > 0 && constrained < totalmem() ? constrained : totalmem());
}
