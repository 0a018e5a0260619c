import type { NativeKinds } from '../wasm/wasm.ts';
import type { Candidate } from './libraries.ts';
import type { Measured } from './probe.ts';
import type { Shape } from './shapes.ts';
import type { Survey } from './survey.ts';

/** The library that is to be used, and for what. Plain JSON: a run keeps it, so that it can be taken up with the same bits. */
export interface NativeChoice {
  readonly library: string;
  readonly name: Candidate['name'];
  readonly environment: Readonly<Record<string, string>>;
  readonly core: string | null;
  readonly wants: NativeKinds;
}

/** So many times as fast as the wasm kernels a library has to be before it is worth its calls. */
const worth = 1.1;

/** The fastest library that is right and worth it, with a plain sentence fragment that says why; or why there is none. */
export function choose({ libraries, wasm, shapes }: Survey): { choice: NativeChoice; why: string } | { why: string } {
  if (libraries.length === 0) return { why: 'no BLAS library was found on this machine' };
  let best: { score: number; choice: NativeChoice } | undefined;
  for (const library of libraries) {
    if (!('measured' in library)) continue;
    const { speeds, core } = library.measured;
    const score = inTraining(shapes, speeds);
    if (best && score <= best.score) continue;
    const wants = Object.fromEntries((['step', 'whole', 'gradient'] as const).map((kind) => [kind, gain(kind, speeds) >= worth]));
    const { name, environment } = library;
    best = { score, choice: { library: library.library, name, environment, core, wants: wants as never } };
  }
  if (!best) {
    const [first] = libraries as readonly { library: string; failed: string }[];
    return { why: `no BLAS library of this machine works: ${first.library} ${first.failed}` };
  }
  const { choice, score } = best;
  const speed = `${score.toFixed(0)} GFLOP/s against ${inTraining(shapes, wasm).toFixed(0)} of the wasm kernels`;
  if (!Object.values(choice.wants).some(Boolean)) return { why: `${describe(choice)} reaches ${speed}` };
  return { choice, why: `${describe(choice)} measured at ${speed}` };

  function gain(kind: keyof NativeKinds, speeds: Measured['speeds']): number {
    const of = shapes.flatMap((shape, i) => (shape.kind === kind ? [speeds[i] / wasm[i]] : []));
    return mean(of);
  }
}

/**
 * A choice made before, if its library is one of this machine's. Only then is it loaded, with the settings found here: a run directory
 * may come from anywhere, and a library is a program.
 */
export function recall(
  { library, core, wants }: NativeChoice,
  found: readonly Candidate[],
): { choice: NativeChoice; why: string } | { why: string } {
  const same = found.filter((each) => each.library === library);
  const setting =
    same.find((each) => each.environment.OPENBLAS_CORETYPE === core) ?? same.find((each) => !each.environment.OPENBLAS_CORETYPE);
  if (!setting) return { why: `${library} is not among the BLAS libraries of this machine` };
  const { name, environment } = setting;
  const choice = { library, name, environment, core, wants: { step: !!wants?.step, whole: !!wants?.whole, gradient: !!wants?.gradient } };
  return { choice, why: describe(choice) };
}

/** `OpenBLAS (SkylakeX)` */
export function describe({ name, core, library }: Pick<NativeChoice, 'name' | 'core' | 'library'>): string {
  return `${name === 'BLAS' ? library : name}${core ? ` (${core})` : ''}`;
}

/** How much of a training step's operations are products of each kind, about. */
const shares: Readonly<Record<Shape['kind'], number>> = { step: 0.4, whole: 0.2, gradient: 0.4 };

/** The speed of products in those shares. */
function inTraining(shapes: readonly Shape[], speeds: readonly number[]): number {
  const kinds = Object.keys(shares) as Shape['kind'][];
  return 1 / kinds.reduce((time, kind) => time + shares[kind] / mean(speeds.filter((_, i) => shapes[i].kind === kind)), 0);
}

/** Geometric. */
const mean = (values: readonly number[]) => Math.exp(values.reduce((sum, each) => sum + Math.log(each), 0) / values.length);
