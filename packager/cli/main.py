"""The group that all commands belong to, and the place where errors become exit codes."""

import errno
import importlib
import logging

import click
from click.shell_completion import CompletionItem

from packager.cli.output import Console
from packager.errors import PackagerError
from packager.local.process import sigterm_interrupts
from packager.version import __version__

COMMANDS = {
    "init": "Begin a repository that deploys a model, with the SAM CLI or in CI.",
    "build": "Build a Lambda bundle from a model.",
    "inspect": "Show what a model or a bundle is made of.",
    "diff": "Show what changed from one bundle to another.",
    "check": "Check that a bundle works on its target.",
    "publish": "Put a bundle's model and zip into S3.",
    "deploy": "Deploy a bundle, test it there, move traffic to it.",
    "status": "Show a deployed stack and its versions.",
    "logs": "Show a deployed function's log.",
    "rollback": "Make an earlier version the live one.",
    "destroy": "Delete a deployed stack.",
    "invoke": "Run a bundle under the real Lambda runtime, here.",
    "serve": "Serve a model on this machine, as `mlflow models serve`.",
    "predict": "Score a file, as `mlflow models predict`.",
    "doctor": "Show which tools are missing, and how to get them.",
    "targets": "Show Lambda's Python runtimes and limits.",
}

_TRACEBACK_HINT = "`packager -v ...` shows where."


class _LazyGroup(click.Group):
    """Imports a command's module when it runs, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"packager.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete by the names alone: a shell asks at every press of its key."""
        names = [
            CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; the one place where errors become text and an exit code."""
        try:
            with sigterm_interrupts():  # so that no command leaves its temporary files
                return super().invoke(ctx)
        except PackagerError as error:
            console = ctx.find_object(Console) or Console()
            console.error(str(error), error.hint)
            if console.is_json:
                console.json({"error": error.to_dict()})
            ctx.exit(error.exit_code)
        except OSError as error:
            # A full disk, a mount point in the way: no fault of ours. click ends closed pipes.
            if error.errno == errno.EPIPE or ctx.params.get("verbose"):
                raise
            (ctx.find_object(Console) or Console()).error(str(error), _TRACEBACK_HINT)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(130)


@click.command(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "PACKAGER"},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 check or limit failed, 130 interrupted.",
)
@click.version_option(__version__, prog_name="packager")
@click.option("-q", "--quiet", count=True, help="Less talk; -qq also no warnings.")
@click.option("-v", "--verbose", count=True, help="Show the library's log; -vv with debug lines.")
@click.pass_context
def cli(ctx: click.Context, quiet: int, verbose: int) -> None:
    """From an MLflow model to an AWS Lambda endpoint that speaks MLflow's protocol.

    \b
    packager build models:/MyRandomForest/latest --output dist/
    packager publish dist/ --bucket my-models
    packager invoke dist/ --event dist/events/http-api-dataframe-split.json
    packager serve -m models:/MyRandomForest/latest -p 5000
    """  # noqa: D301 - \b is click's mark for text that keeps its lines
    if quiet and verbose:
        raise click.UsageError("-q and -v contradict each other")
    if verbose:
        logging.basicConfig(level=logging.DEBUG if verbose > 1 else logging.INFO)
    ctx.obj = Console(quiet=quiet)
