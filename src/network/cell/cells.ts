import type { Cell } from './cell.ts';
import { gru } from './gru.ts';
import { gruResetBefore } from './gruResetBefore.ts';
import { lru } from './lru.ts';
import { lstm } from './lstm.ts';
import { mingru } from './mingru.ts';
import { rnnRelu, rnnTanh } from './rnn.ts';

/** Every cell that comes with the system. A new one gets its line here, and with it the contract test and `gradcheck`. */
export const cells: readonly Cell[] = [rnnTanh, rnnRelu, lstm, gru, gruResetBefore, mingru, lru];
