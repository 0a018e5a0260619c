import { ThroughtimeError } from '../../errors.ts';
import { add } from './add.ts';
import { dilated } from './dilated.ts';
import { plainWays, type Skip, type SkipKind, type SkipOptions, type Ways } from './skip.ts';
import { weighted } from './weighted.ts';

export const skips: Readonly<Record<SkipKind, Skip>> = { add, weighted, dilated };

/**
 * By which ways each of L layers reads the past.
 *
 * @throws OPTION_INVALID naming `model.skip` or a field of it.
 */
export function waysOf(skip: SkipOptions | undefined, L: number): Ways[] {
  if (skip === undefined) return Array.from({ length: L }, () => plainWays);
  const { kind, lag, perLayer } = skip;
  for (const field of Object.keys(skip)) {
    if (!['kind', 'lag', 'perLayer'].includes(field)) refuse('', `has kind, lag and perLayer, got ${field}; remove it`);
  }
  if (!Object.hasOwn(skips, kind)) refuse('.kind', `is one of ${Object.keys(skips).join(', ')}, got ${String(kind)}`);
  if ((lag === undefined) === (perLayer === undefined)) {
    const given = lag === undefined ? 'neither' : 'both';
    refuse('', `takes either "lag", the same in every layer, or "perLayer", one for each; got ${given}`);
  }
  const method = skips[kind];
  if (perLayer !== undefined) {
    if (!Array.isArray(perLayer) || perLayer.length !== L) {
      refuse('.perLayer', `has an entry for each of the ${L} layers, got ${JSON.stringify(perLayer)}; give ${L}, or set model.layers`);
    }
    const all = perLayer.map((each) => lagsOf(method, each, '.perLayer'));
    if (method.lagOne !== undefined && all.every((lags) => lags.every((each) => each === 1))) {
      refuse('.perLayer', `is 1 in every layer, which is no skip: ${method.lagOne}; choose a lag from 2`);
    }
    if (method.lagOne !== undefined && method.several && all.some((lags) => lags.includes(1))) {
      refuse('.perLayer', `has a lag of 1, and ${method.lagOne}; choose lags from 2`);
    }
    return all.map((lags) => method.ways(lags));
  }
  const lags = lagsOf(method, lag as number, '.lag');
  if (method.lagOne !== undefined && lags.includes(1)) refuse('.lag', `is 1, and ${method.lagOne}; choose a lag from 2`);
  return Array.from({ length: L }, () => method.ways(lags));
}

/** The lags of one layer, ascending. */
function lagsOf({ kind, several }: Skip, given: number | readonly number[], field: string): number[] {
  const lags = (typeof given === 'object' ? [...given] : [given]).sort((a, b) => a - b);
  const got = JSON.stringify(given);
  if (lags.length === 0 || !lags.every((lag) => Number.isSafeInteger(lag) && lag >= 1)) {
    refuse(field, `is a whole number of steps from 1${several ? ', or a list of them' : ''}, got ${got}`);
  }
  if (!several && typeof given === 'object') {
    refuse(field, `is one lag a layer for ${kind}, whose cell reads one state; got ${got}: give one, or "perLayer" for one in each layer`);
  }
  if (new Set(lags).size < lags.length) refuse(field, `names a lag twice: ${got}; leave one of them out`);
  return lags;
}

function refuse(field: string, sentence: string): never {
  throw new ThroughtimeError('OPTION_INVALID', sentence, { field: `model.skip${field}` });
}
