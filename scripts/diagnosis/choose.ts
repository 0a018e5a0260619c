import { wasmBackend } from '../../src/compute/wasm/wasm.ts';
import { choosing } from './families.ts';
import { run } from './trial.ts';

const backend = await wasmBackend();
const only = process.argv[3];
let right = 0,
  all = 0,
  open = 0;
for (const trial of choosing((process.argv[2] ?? '1').split(',').map(Number))) {
  if (only && !new RegExp(only).test(trial.family)) continue;
  const o = run(backend, trial);
  const { diagnosis: d } = o;
  const ok = o.truth === null ? 'open ' : o.truth === o.verdict ? 'ok   ' : 'WRONG';
  if (o.truth === null) open++;
  else {
    all++;
    if (o.truth === o.verdict) right++;
  }
  console.log(
    ok,
    o.family,
    'seed',
    o.seed,
    o.cell,
    'lag',
    o.lag,
    '| truth',
    o.truth,
    '(',
    o.why,
    ') | verdict',
    o.verdict,
    '|',
    o.seconds.toFixed(1) + 's',
    ok === 'ok   '
      ? ''
      : JSON.stringify({
          because: o.because,
          e: d.findings.map((f) => [f.kind, f.evidence]),
          gh: d.gradientHorizon,
          dh: d.dataHorizon,
          oc: d.dataOutcome,
          loss: d.loss,
          used: d.usedInputs,
        }),
  );
}
console.log('right', right, 'of', all, 'open', open);
