"""The command ``medglip`` and its parts."""

import argparse
import sys

from rich.console import Console

from . import lint_command, list_command

__all__ = ['main', 'parse_args']

_WIDTH = 120


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog='medglip', description='Check prompts and list labels; no model is loaded.'
    )
    commands = parser.add_subparsers(dest='command', required=True)
    for command in (lint_command, list_command):
        one = commands.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run a command; print one line about what is wrong, if something is.

    Args:
        argv: Words of the command line; those of the process if None.

    Returns:
        0; 1 if the command found an error or could not run.
    """
    args = parse_args(argv)
    console = Console(width=max(Console().width, _WIDTH), soft_wrap=False)
    try:
        return args.run(args, console)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        sys.stderr.write(f'medglip: {error}\n')
        return 1


if __name__ == '__main__':
    sys.exit(main())
