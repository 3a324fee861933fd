"""The command ``medglip`` and its parts."""

import argparse
import sys

from rich.console import Console

from . import (
    demo_command,
    doctor_command,
    lint_command,
    list_command,
    pack_command,
    predict_command,
    serve_command,
)
from .tool_commands import TOOLS, run_tool
from .usage_error import UsageError

__all__ = ['main', 'parse_args']

_WIDTH = 120
_COMMANDS = (
    predict_command,
    pack_command,
    demo_command,
    serve_command,
    doctor_command,
    lint_command,
    list_command,
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog='medglip',
        description='Find phrases in medical images. Research software, not for clinical use.',
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for command in _COMMANDS:
        one = commands.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    for name, told in TOOLS.items():
        # For the list of commands: their own options are those of the program, see main.
        commands.add_parser(name, help=f'{told} (tools/{name}.py)', add_help=False)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run a command; print one line about what is wrong, if something is.

    Args:
        argv: Words of the command line; those of the process if None.

    Returns:
        0; 1 if the command found an error, could not run, or left inputs without an answer; 2 if
        the command line is wrong; that of the program for commands of tools/.
    """
    words = sys.argv[1:] if argv is None else argv
    try:
        if words and words[0] in TOOLS:
            return run_tool(words[0], list(words[1:]))
        args = parse_args(words)
        console = Console(width=max(Console().width, _WIDTH), soft_wrap=False)
        return args.run(args, console)
    except UsageError as error:
        sys.stderr.write(f'medglip: {error}\n')
        return 2
    except (OSError, ValueError, ModuleNotFoundError) as error:
        sys.stderr.write(f'medglip: {error}\n')
        return 1
    except RuntimeError as error:
        if not _is_death(error):
            raise
        sys.stderr.write(
            'medglip: a worker process died, by a crash or for lack of memory; use fewer --workers '
            'or a smaller --batch-size.\n'
        )
        return 1
    except KeyboardInterrupt:
        sys.stderr.write('medglip: interrupted\n')
        return 130


def _is_death(error: RuntimeError) -> bool:
    """Whether a worker process died; what tells it is only loaded to ask."""
    from mmdet_medglip.ingest.engines import WorkerDiedError

    return isinstance(error, WorkerDiedError)


if __name__ == '__main__':
    sys.exit(main())
