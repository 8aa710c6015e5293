"""Print a script that teaches a shell to complete dvcx: commands, options and their values.

Load it where your shell starts. Completing reads only dvcx's own tables and configuration files; it runs no code from
the repository.

Examples:
    source <(dvcx completion bash)                                    # now; or in ~/.bashrc
    dvcx completion zsh > "${fpath[1]}/_dvcx"                         # zsh, once
    dvcx completion fish > ~/.config/fish/completions/dvcx.fish       # fish, once
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from dvcx.cli.invocation import Invocation


class Shell(StrEnum):
    """The shells that have a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


# All three ask `dvcx __complete SHELL WORDS...` with the words up to the one being typed, and fall back to file names
# when there is no answer. Offers are only ever inserted as text, never evaluated.
_BASH = r"""# bash completion of dvcx
_dvcx() {
    local offer
    COMPREPLY=()
    while IFS= read -r offer; do
        printf -v offer '%q' "$offer"
        COMPREPLY+=("$offer")
    done < <(command dvcx __complete bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -o bashdefault -F _dvcx dvcx
# `git dvcx`, where git's own completion is loaded
_git_dvcx() {
    local offer start=$((__git_cmd_idx + 1))
    COMPREPLY=()
    while IFS= read -r offer; do
        printf -v offer '%q' "$offer"
        COMPREPLY+=("$offer")
    done < <(command dvcx __complete bash "${words[@]:start:cword - start + 1}" 2>/dev/null)
}
"""

_ZSH = r"""#compdef dvcx
# zsh completion of dvcx
_dvcx() {
    local line tab=$'\t'
    local -a offers
    while IFS= read -r line; do
        offers+=("${${line%%${tab}*}//:/\\:}${${(M)line:#*${tab}*}:+:${line#*${tab}}}")
    done < <(command dvcx __complete zsh "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#offers} )); then
        _describe -V 'dvcx' offers
    else
        _files
    fi
}
if [[ "${funcstack[1]}" == _dvcx ]]; then
    _dvcx "$@"
else
    compdef _dvcx dvcx
fi
"""

_FISH = r"""# fish completion of dvcx
function __dvcx_offers
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l offers (command dvcx __complete fish $words[2..-1] "$typed" 2>/dev/null)
    if test (count $offers) -gt 0
        printf '%s\n' $offers
    else
        __fish_complete_path "$typed"
    end
end
complete -c dvcx -f -a '(__dvcx_offers)'
"""

_SCRIPTS = {Shell.BASH: _BASH, Shell.ZSH: _ZSH, Shell.FISH: _FISH}


def command(
    call: Invocation, shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish")]
) -> None:
    call.console.raw(_SCRIPTS[shell])
