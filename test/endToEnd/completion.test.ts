/** What shells complete, asked of the shells themselves. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Command } from 'commander';
import { bashScript } from '../../src/cli/completion/bash.ts';
import { fishScript } from '../../src/cli/completion/fish.ts';
import { wordsOf } from '../../src/cli/completion/words.ts';
import { zshScript } from '../../src/cli/completion/zsh.ts';
import { monitors } from '../../src/monitor/monitors.ts';
import { experimentJsonSchema } from '../../src/run/experimentSchema.ts';
import { throughtime, workplace } from './commandLine.ts';

const root = path.resolve(import.meta.dirname, '../..');
const has = (shell: string) => spawnSync(shell, ['--version']).status === 0;
const without = (shell: string) => (has(shell) ? false : `no ${shell} on this machine`);
const verbs = ['train', 'diagnose', 'treat', 'tune-clip', 'horizon', 'inspect', 'predict', 'schema', 'completion', 'doctor'];

/** Every verb there is, in a program as the command line makes it. */
const program = new Command('throughtime');
for (const file of globSync('src/cli/commands/*.ts', { cwd: root }).sort()) {
  const found: Record<string, unknown> = await import(path.join(root, file));
  const make = Object.entries(found).find(([name]) => name.endsWith('Command'))?.[1] as () => Command;
  program.addCommand(make());
}
const words = wordsOf(program, experimentJsonSchema());

describe('bash', { skip: without('bash') }, () => {
  const script = bashScript(words);

  /** What Tab offers at the end of a line; with bash's own idea of where words end. */
  function offered(line: string, cwd = root): string[] {
    const ask = `COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'; COMP_LINE=$1; COMP_POINT=\${#1}; _throughtime; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { status, stdout, stderr } = spawnSync('bash', ['-c', `${script}\n${ask}`, 'bash', line], { encoding: 'utf8', cwd });
    assert.equal(status, 0, stderr);
    return stdout.split('\n').filter((each) => each !== '');
  }

  test('verbs, and those that begin as what is there', () => {
    for (const verb of verbs) assert.ok(offered('throughtime ').includes(verb), verb);
    assert.deepEqual(offered('throughtime tr'), ['train', 'treat']);
  });

  test('the options of a verb', () => {
    assert.deepEqual(offered('throughtime train a.json --chec'), ['--checkpoint-every']);
    assert.ok(!offered('throughtime predict --').includes('--checkpoint-every'));
    assert.deepEqual(offered('throughtime train --seed 3 --rew'), ['--rewind']);
  });

  test('the words of an option: monitors, backends', () => {
    assert.deepEqual(
      offered('throughtime train a.json --monitor '),
      monitors.map(({ name }) => name),
    );
    assert.deepEqual(offered('throughtime train --backend w'), ['wasm']);
    assert.deepEqual(offered('throughtime train --seed '), []);
  });

  test('fields of the experiment after --set, and the words that they may be', () => {
    assert.deepEqual(offered('throughtime train a.json --set model.h'), ['model.hiddenSize=']);
    assert.deepEqual(offered('throughtime train a.json --set model.cell='), ['rnn', 'lstm', 'gru', 'gru-reset-before', 'mingru', 'lru']);
    assert.deepEqual(offered('throughtime train a.json --set model.cell=l'), ['lstm', 'lru']);
    assert.ok(offered('throughtime train --set training.cl').includes('training.clip.globalNorm='));
    assert.deepEqual(offered('throughtime train --set data.lag='), []);
  });

  test('files where an argument names one', () => {
    using place = workplace();
    place.write('my experiment.json', {});
    place.write('other.txt', '');
    assert.deepEqual(offered('throughtime train my', place.folder), ['my experiment.json']);
    assert.deepEqual(offered('throughtime train --run o', place.folder), ['other.txt']);
    assert.deepEqual(offered('throughtime completion '), ['bash', 'zsh', 'fish']);
  });

  test('the script is what bash takes without a word, in its strictest mode too', () => {
    const { status, stderr } = spawnSync('bash', ['-eu', '-c', script], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  });
});

describe('zsh', { skip: without('zsh') }, () => {
  test('takes the script, as a function of its completion', () => {
    const script = zshScript(words);
    const ask = `autoload -Uz compinit && compinit -u -D\n${script}\nprint -- $_comps[throughtime]`;
    const { status, stdout, stderr } = spawnSync('zsh', ['-f', '-c', ask], { encoding: 'utf8' });
    assert.deepEqual([status, stdout.trim(), stderr], [0, '_throughtime', '']);
    for (const verb of verbs) assert.ok(script.includes(`    ${verb}) _arguments`) && script.includes(`'${verb}:`), verb);
  });
});

describe('fish', { skip: without('fish') }, () => {
  test('offers verbs, options, words and fields', () => {
    const script = fishScript(words);
    const offered = (line: string) => {
      const { status, stdout, stderr } = spawnSync('fish', ['--no-config', '-c', `${script}\ncomplete -C '${line}'`], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      return stdout.split('\n').flatMap((each) => each.split('\t')[0] || []);
    };
    assert.deepEqual(offered('throughtime tr'), ['train', 'treat']);
    assert.deepEqual(offered('throughtime train --rew'), ['--rewind']);
    assert.deepEqual(offered('throughtime train --backend w'), ['wasm']);
    assert.deepEqual(offered('throughtime train --set model.cell=l').sort(), ['model.cell=lru', 'model.cell=lstm']);
    assert.deepEqual(offered('throughtime train --set model.hid'), ['model.hiddenSize=']);
  });
});

test('the command prints the script for every verb that it has, and refuses another shell by name', async () => {
  const { stdout } = await throughtime(['completion', 'bash']);
  const sorted = (script: string) => script.split(/[\s|']+/).sort();
  // Its verbs come in another order, and `help` is one of them.
  assert.deepEqual(sorted(stdout), sorted(bashScript(words)));
  const { code, stderr } = await throughtime(['completion', 'tcsh']);
  assert.equal(code, 2);
  assert.match(stderr, /bash, zsh, fish/);
});

describe('--help', () => {
  for (const command of program.commands) {
    test(`of ${command.name()} has an example`, () => {
      let help = '';
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      assert.match(help, new RegExp(`Examples?:\\n {2}.*throughtime ${command.name()}`));
    });
  }
});
