'''One module a command; each is loaded only when its command is typed.

A command is a line in `dvcx/cli/table.py` and a module here (`remote add` is `remote_add.py`), which looks like this:

    """Give files back the bytes they had.

    What a person wants to know, in a paragraph or two.

    Examples:
        dvcx restore data/
        dvcx restore --rev v1 model.pt     # as of the tag v1
    """

    def command(call: Invocation, targets: Targets = None, dry_run: DryRun = False) -> RestoreResult:
        return restore(call.repo(), targets or (), dry_run=dry_run, progress=call.progress)

    def render(result: RestoreResult, console: Console) -> None:
        console.table([(green("restored"), path, size_text(size)) for path, size in result.files], right=[2])
        console.say(f"{count_text(len(result.files), 'file')} restored")

`command` takes an `Invocation`, then its own arguments and options (those that others have too are in
`dvcx/cli/options.py`), calls one operation and gives its result. `render` shows it; a module with a `render` has
`--json` by itself. -q, -v, -C, --color and --help come by themselves too. Raise errors of `dvcx.base.errors`; for a
result with an error or an exit code of its own return an `Outcome`. `python -m dvcx.cli.reference --write` afterwards.
'''
