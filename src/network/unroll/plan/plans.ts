import { binomial } from './binomial.ts';
import type { Plan } from './plan.ts';
import { squareRoot } from './squareRoot.ts';

export type PlanName = Plan['name'];

/** All plans, by name. */
export const plans: Readonly<Record<PlanName, Plan>> = { squareRoot, binomial };
