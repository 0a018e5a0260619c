import { Argument, Command } from 'commander';
import { experimentJsonSchema } from '../../run/experimentSchema.ts';
import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { type Words, wordsOf } from '../completion/words.ts';
import { zshScript } from '../completion/zsh.ts';

const scripts: Readonly<Record<string, (words: Words) => string>> = { bash: bashScript, zsh: zshScript, fish: fishScript };

export function completionCommand(): Command {
  return new Command('completion')
    .description('print a script by which a shell completes verbs, options, fields of the experiment and monitors')
    .addArgument(new Argument('<shell>', 'which shell it is for').choices(Object.keys(scripts)))
    .addHelpText(
      'after',
      '\nExamples:\n  source <(throughtime completion bash)                 in ~/.bashrc' +
        '\n  source <(throughtime completion zsh)                  in ~/.zshrc, after compinit' +
        '\n  throughtime completion fish | source                  in ~/.config/fish/config.fish',
    )
    .action((shell: string, _flags: object, command: Command) => {
      process.stdout.write(scripts[shell](wordsOf(command.parent as Command, experimentJsonSchema())));
    });
}
