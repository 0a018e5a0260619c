import type { Schedule } from './schedule.ts';

/** Always 1. */
export const constant: Schedule = () => 1;
