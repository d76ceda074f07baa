"""`python -m archive COMMAND FILE ...`: run the archive commands without a site. Needs lxml, and is faster with isal."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from archive.commands import COMMANDS, JSON_HELP, Answer, ArchiveCommand, error_data
from archive.errors import CoursekeepError

EPILOG = "Exit codes: 0 for yes, 1 for archives that differ, 3 for a damaged archive, 6 for a missing file."
INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, print its answer and return the exit code; an error is one sentence on standard error."""
    options = vars(_parser().parse_args(arguments))
    command: ArchiveCommand = options["command"]
    try:
        answer = _answer(command, options)
    except CoursekeepError as error:
        if options["json"]:
            print(json.dumps(error_data(error), ensure_ascii=False))
        print(error.sentence(), file=sys.stderr)
        return error.exit_code
    for line in answer.printed(as_json=options["json"]):
        print(line)
    return answer.exit_code


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m archive", description="Look into course archives.", epilog=EPILOG)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        one = commands.add_parser(command.name, help=command.help, description=command.help, epilog=EPILOG)
        command.declare(one)
        one.add_argument("--json", action="store_true", help=JSON_HELP)
        one.set_defaults(command=command)
    return parser


def _answer(command: ArchiveCommand, options: dict[str, object]) -> Answer:
    """Return the command's answer. Raises CoursekeepError for an error of the system, such as a missing permission."""
    try:
        return command.run(options, _no_bar)
    except ModuleNotFoundError as missing:
        sys.exit(f"The package {missing.name} is not installed here. Run: pip install lxml isal")
    except OSError as error:
        where = str(error.filename or "")
        raise CoursekeepError(f"The file cannot be read: {error.strerror or error}.", where=where) from error


@contextmanager
def _no_bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Open a progress bar that shows nothing."""
    yield lambda _: None


def run() -> int:
    """Run `main` for a process: names that the terminal cannot show are escaped, a closed pipe ends quietly."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader closed the pipe; without this, Python would report an error when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


if __name__ == "__main__":
    sys.exit(run())
