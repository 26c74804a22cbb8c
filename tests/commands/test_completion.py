"""Completion by a shell, as the README sets it up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from packager.cli.main import COMMANDS

BIN = Path(sys.executable).parent


def completed(*words: str) -> list[str]:
    """Return what bash offers for the last word: what it calls is what was registered with it."""
    script = (
        'eval "$(_PACKAGER_COMPLETE=bash_source packager)"\n'
        "called=$(complete -p packager) && called=${called##*-F } && called=${called%% *}\n"
        'COMP_WORDS=(packager "$@") COMP_CWORD=$#\n'
        # Outside of a completion under way bash refuses to be told what else to offer.
        'compopt() { COMPREPLY+=("$@"); }\n'
        '"$called" packager\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-euc", script, "bash", *words],
        env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["bui"], ["build"]),
        (["d"], ["diff", "deploy", "destroy", "doctor"]),
        (["--ver"], ["--version", "--verbose"]),
        (["build", "--arch"], ["--architecture"]),
        (["build", "--architecture", "a"], ["arm64"]),
        (["init", "m", "--ci", ""], ["github", "gitlab"]),
    ],
)
def test_bash_completes_commands_options_and_choices(words: list[str], offered: list[str]) -> None:
    assert completed(*words) == offered


@pytest.mark.parametrize(
    "words",
    [
        ["build", "mod"],
        ["init", "mod"],
        ["inspect", "mod"],
        ["check", "dist", "--model", "mod"],
        ["serve", "-m", "mod"],
        ["predict", "--model-uri", "mod"],
    ],
)
def test_bash_completes_a_model_as_a_file(words: list[str]) -> None:
    assert completed(*words) == ["-o", "default"]


@pytest.mark.parametrize("word", ["", "bui"])
def test_to_complete_a_command_none_is_imported(word: str) -> None:
    code = (
        "import sys\nfrom packager.cli.main import COMMANDS, cli\n"
        "try: cli(prog_name='packager')\nexcept SystemExit: pass\n"
        "print([name for name in COMMANDS if f'packager.cli.{name}' in sys.modules])"
    )
    asked = {"_PACKAGER_COMPLETE": "bash_complete", "COMP_WORDS": f"packager {word}"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | asked | {"COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    *offered, imported = done.stdout.splitlines()

    assert offered == [f"plain,{name}" for name in COMMANDS if name.startswith(word)]
    assert imported == "[]"
