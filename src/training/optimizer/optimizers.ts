import { adam } from './adam.ts';
import { adamw } from './adamw.ts';
import { momentum } from './momentum.ts';
import type { Optimizer, OptimizerName } from './optimizer.ts';
import { rmsprop } from './rmsprop.ts';
import { sgd } from './sgd.ts';

/** Every optimizer, by name. */
export const optimizers = { sgd, momentum, rmsprop, adam, adamw } as unknown as Readonly<Record<OptimizerName, Optimizer>>;
