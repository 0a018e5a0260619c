import { binaryCrossEntropy } from './binaryCrossEntropy.ts';
import { crossEntropy } from './crossEntropy.ts';
import type { Loss, LossName } from './loss.ts';
import { meanSquaredError } from './meanSquaredError.ts';

/** Every loss, by name. */
export const losses: Readonly<Record<LossName, Loss>> = { crossEntropy, mse: meanSquaredError, binaryCrossEntropy };
