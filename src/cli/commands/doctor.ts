import { availableParallelism, cpus, platform, totalmem } from 'node:os';
import { Command } from 'commander';
import { choose, describe } from '../../compute/blas/choice.ts';
import { overrideVariable } from '../../compute/blas/libraries.ts';
import { koffiPath, type Survey, survey } from '../../compute/blas/survey.ts';
import { compileKernels } from '../../compute/wasm/kernels.ts';
import { toJson } from '../../run/json.ts';
import { options } from '../options.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('say what this machine offers, what was measured and chosen, and why')
    .addOption(options.json())
    .addHelpText(
      'after',
      '\nLibraries are measured afresh, each in a process of its own, and the result is' +
        `\nkept for the trainings that follow. ${overrideVariable}=<path> names a library` +
        `\nin place of those found, ${overrideVariable}=none switches them off.` +
        '\n\nExamples:\n  throughtime doctor\n  throughtime doctor --json',
    )
    .action(doctor);
}

async function doctor({ json }: { json?: boolean }): Promise<void> {
  const { relaxed } = await compileKernels();
  const machine = { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism(), memory: totalmem(), node: process.version };
  const koffi = koffiPath();
  const found =
    'path' in koffi ? await survey(koffi.path, { fresh: true, told: (sentence) => process.stderr.write(`${sentence}\n`) }) : undefined;
  const chosen = found ? choose(found) : { why: (koffi as { why: string }).why };
  const backend = 'choice' in chosen ? 'blas' : 'wasm';
  if (json) {
    const choice = 'choice' in chosen ? chosen.choice : null;
    process.stdout.write(
      `${toJson({ machine, simd: relaxed ? 'relaxed' : 'plain', blas: found ?? null, chosen: { backend, choice, why: chosen.why } })}\n`,
    );
    return;
  }
  const lines = [
    `processor   ${machine.cpu}, ${machine.cores} core${machine.cores === 1 ? '' : 's'}, ${(machine.memory / 2 ** 30).toFixed(1)} GiB`,
    `Node        ${machine.node}`,
    `wasm SIMD   ${relaxed ? '128 bits, relaxed fused multiply-add' : '128 bits, without fused multiply-add (a newer Node has it)'}`,
    '',
    ...(found ? table(found) : []),
    `chosen      ${backend}: ${chosen.why}`,
  ];
  if (backend === 'wasm' && found?.libraries.length === 0) lines.push(`            ${advice()}`);
  if (found && 'file' in found.kept) lines.push(`kept in     ${found.kept.file}`);
  else if (found) lines.push(`not kept    ${(found.kept as { why: string }).why}; every command measures again`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** GFLOP/s of one thread, a row for each library and setting. */
function table({ libraries, wasm, shapes }: Survey): string[] {
  const heads = shapes.map(({ kind, M, N, K }) => `${kind} ${M}x${N}x${K}`);
  const numbers = (speeds: readonly number[]) => speeds.map((speed, i) => speed.toFixed(0).padStart(heads[i].length)).join('  ');
  const rows = libraries.map((each) => {
    const measured = 'measured' in each;
    const name = describe({ ...each, core: measured ? each.measured.core : (each.environment.OPENBLAS_CORETYPE ?? null) });
    return [name, measured ? numbers(each.measured.speeds) : each.failed, each.library] as const;
  });
  const width = Math.max('wasm kernels'.length, ...rows.map(([name]) => name.length));
  return [
    'GFLOP/s of one thread at products of M x N x K',
    `  ${''.padEnd(width)}  ${heads.join('  ')}`,
    `  ${'wasm kernels'.padEnd(width)}  ${numbers(wasm)}`,
    ...rows.map(([name, speeds, library]) => `  ${name.padEnd(width)}  ${speeds}  ${library}`),
    '',
  ];
}

/** How to install a library here. */
function advice(): string {
  if (platform() === 'linux')
    return 'a BLAS library about doubles the speed: apt-get install libopenblas0-pthread, or dnf install openblas';
  if (platform() === 'darwin') return 'macOS comes with Accelerate; it was not found where it should be';
  return `a BLAS library may double the speed: install OpenBLAS and name its dll with ${overrideVariable}`;
}
