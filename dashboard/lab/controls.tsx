import { useState } from 'preact/hooks';
import { fieldFrom, type NetworkSetup, networkRules, type Setup, setupRules } from './setup.ts';
import { change, changeNetwork, file, run, runner, setup } from './state.ts';

const taskWords: Readonly<Record<Setup['task'], string>> = {
  recall: 'recall a symbol',
  adding: 'add two marked numbers',
  temporalOrder: 'order of two symbols',
  copying: 'copy after a pause',
  parity: 'parity',
  file: 'your own file',
};

/** What can be chosen, and the button that starts it. */
export function Controls() {
  const { task, length, updates, seed, networks } = setup.value;
  const two = networks.length === 2;
  return (
    <section class="panel wide" aria-labelledby="controls-title">
      <header>
        <h2 id="controls-title">The experiment</h2>
        <div class="tools">
          {runner.busy && (
            <button type="button" onClick={() => runner.stop()}>
              stop
            </button>
          )}
          <button type="button" class="main" id="run" onClick={run}>
            run
          </button>
        </div>
      </header>
      <div class="fields">
        <label>
          task
          <select value={task} onChange={(event) => change({ task: event.currentTarget.value as Setup['task'] })}>
            {setupRules.task.map((name) => (
              <option key={name} value={name} disabled={name === 'file' && !file.value}>
                {name === 'file' && file.value ? file.value.name : taskWords[name as Setup['task']]}
              </option>
            ))}
          </select>
        </label>
        {task !== 'file' && (
          <NumberField
            label={task === 'recall' ? 'lag' : 'length'}
            value={length}
            rule={setupRules.length}
            set={(value) => change({ length: value })}
          />
        )}
        <NumberField label="updates" value={updates} rule={setupRules.updates} set={(value) => change({ updates: value })} />
        <NumberField label="seed" value={seed} rule={setupRules.seed} set={(value) => change({ seed: value })} />
        <label class="check">
          <input type="checkbox" checked={two} onChange={() => change({ networks: two ? [networks[0]] : [networks[0], networks[0]] })} />
          two side by side
        </label>
      </div>
      {networks.map((network, index) => (
        <NetworkFields key={index} network={network} index={index} />
      ))}
    </section>
  );
}

function NetworkFields({ network, index }: { network: NetworkSetup; index: number }) {
  const set = (fields: Partial<NetworkSetup>) => changeNetwork(index, fields);
  const select = <Name extends 'cell' | 'activation' | 'start' | 'keeps' | 'skip' | 'optimizer'>(name: Name, label: string) => (
    <label>
      {label}
      <select value={network[name]} onChange={(event) => set({ [name]: event.currentTarget.value } as Partial<NetworkSetup>)}>
        {(networkRules[name] as readonly string[]).map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
    </label>
  );
  const number = (name: 'gain' | 'skipLag' | 'hidden' | 'rate' | 'clip' | 'window', label: string) => (
    <NumberField label={label} value={network[name]} rule={networkRules[name] as Bounds} set={(value) => set({ [name]: value })} />
  );
  return (
    <fieldset class={`fields side${index}`}>
      <legend>{'AB'[index]}</legend>
      {select('cell', 'cell')}
      {network.cell === 'rnn' && select('activation', 'activation')}
      {select('start', 'start')}
      {(network.start === 'gaussian' || network.start === 'orthogonal') && number('gain', 'gain')}
      {select('keeps', 'matrix')}
      {select('skip', 'skip')}
      {network.skip !== 'none' && number('skipLag', 'skip lag')}
      {number('hidden', 'units')}
      {number('clip', 'clip (0: none)')}
      {number('window', 'window (0: all)')}
      {select('optimizer', 'optimizer')}
      {number('rate', 'rate')}
    </fieldset>
  );
}

type Bounds = { readonly least: number; readonly most: number; readonly whole?: boolean };

function NumberField({ label, value, rule, set }: { label: string; value: number; rule: Bounds; set: (value: number) => void }) {
  /** What is being written, which is not always a number yet. */
  const [text, setText] = useState<string>();
  const wrong = `From ${rule.least} to ${rule.most}${rule.whole ? ', a whole number' : ''}.`;
  return (
    <label>
      {label}
      <input
        type="text"
        inputMode="decimal"
        size={6}
        value={text ?? String(Number(value.toPrecision(4)))}
        onInput={(event) => {
          const found = fieldFrom(rule, event.currentTarget.value);
          setText(event.currentTarget.value);
          event.currentTarget.setCustomValidity(found === undefined ? wrong : '');
          if (found !== undefined) set(found as number);
        }}
        onBlur={(event) => {
          event.currentTarget.setCustomValidity('');
          setText(undefined);
        }}
      />
    </label>
  );
}
