import { cayley } from './cayley.ts';
import { exponential } from './exponential.ts';
import type { OrthogonalMap, OrthogonalMapName } from './orthogonal.ts';
import { polar } from './polar.ts';

/** Every map, by name. */
export const orthogonalMaps: Readonly<Record<OrthogonalMapName, OrthogonalMap>> = { exponential, cayley, polar };

/** Used where the option says nothing else: which map, and the learning rate as a share of the training's. */
export const orthogonalDefaults = { by: 'exponential', share: 0.1 } as const;
