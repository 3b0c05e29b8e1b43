import type { Command } from "commander";
import type { Register } from "../cli.ts";
import { usage } from "../errors.ts";

/** What each shell runs when somebody presses Tab: it asks `lockstep __complete` for the words. */
const scripts: Record<string, string> = {
  bash: `_lockstep() {
  local IFS=$'\\n' current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "$current"))
}
complete -o default -F _lockstep lockstep
`,
  zsh: `#compdef lockstep
_lockstep() {
  local -a candidates
  candidates=(\${(f)"$(\${words[1]} __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#candidates} )); then compadd -a candidates; else _files; fi
}
if [[ \${funcstack[1]} == _lockstep ]]; then _lockstep "$@"; else compdef _lockstep lockstep; fi
`,
  fish: `function __lockstep_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] __complete -- $words[2..-1] 2>/dev/null)
  if set -q found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c lockstep -f -a '(__lockstep_complete)'
`,
};

export const registerCompletion: Register = (program, run) => {
  program.command("completion")
    .argument("<shell>", Object.keys(scripts).join(", "))
    .description(
      "Print the script that completes commands, e.g. lockstep completion bash > " +
        "~/.local/share/bash-completion/completions/lockstep",
    )
    .action(run((cli, _options: object, shell: string) => {
      if (!Object.hasOwn(scripts, shell)) {
        throw usage(
          `There is no completion for ${shell}; there is for ${Object.keys(scripts).join(", ")}.`,
        );
      }
      cli.host.out(scripts[shell]);
      return Promise.resolve();
    }));

  program.command("__complete", { hidden: true })
    .argument("[words...]")
    .action(run((cli, _options: object, words: string[]) => {
      cli.host.out(candidates(program, words).map((word) => `${word}\n`).join(""));
      return Promise.resolve();
    }));
};

/** The words that can stand where the last of `words` is being typed. */
function candidates(program: Command, words: string[]): string[] {
  let command = program;
  for (const word of words.slice(0, -1)) {
    command = command.commands.find((sub) => sub.name() === word) ?? command;
  }
  const current = words.at(-1) ?? "";
  const names = current.startsWith("-")
    ? [...command.options, ...program.options].map(({ long }) => long!)
    : command.commands.map((sub) => sub.name()).filter((name) => !name.startsWith("_"));
  return [...new Set([...names, ...(current.startsWith("-") ? ["--help"] : [])])]
    .filter((name) => name.startsWith(current));
}
