import { exploding } from './exploding.ts';
import { gates } from './gates.ts';
import type { Lesson } from './lesson.ts';
import { orthogonal } from './orthogonal.ts';
import { relu } from './relu.ts';
import { skip } from './skip.ts';
import { truncated } from './truncated.ts';
import { vanishing } from './vanishing.ts';

/** All lessons, in the order in which they are taken. */
export const lessons: readonly Lesson[] = [exploding, truncated, vanishing, gates, relu, orthogonal, skip];
