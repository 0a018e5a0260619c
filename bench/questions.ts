import { data } from './data.ts';
import { gemm } from './gemm.ts';
import { lagProfile } from './lagProfile.ts';
import { longSequences } from './longSequences.ts';
import { monitors } from './monitors.ts';
import type { Question } from './question.ts';
import { threads } from './threads.ts';
import { trainingStep } from './trainingStep.ts';
import { vanishing } from './vanishing.ts';

/** Every question of speed that this repository answers, in the order of docs/performance.md. */
export const questions: readonly Question[] = [trainingStep, threads, vanishing, longSequences, data, lagProfile, monitors, gemm];
