"""A group of commands of which only the one that is called is imported."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from scoring.expected import ExpectedError


class Command(TyperCommand):
    """A command that refuses an argument or option without a text: it would pass for one that was not given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; return those that are left.

        Raises:
            BadParameter: one is empty.
        """
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        parameter: Any  # typer has a Parameter of its own next to click's
        for parameter in self.get_params(ctx):
            value = given.get(parameter.name or "")
            if value == "" or (isinstance(value, list | tuple) and "" in value):
                raise typer.BadParameter("it is empty", ctx, parameter)
        return super().parse_args(ctx, args)


class LazyCommand(TyperCommand):
    """Stands in its group for the command that it loads.

    Attributes:
        module: the module to import.
        function: the name of the command's function in it.
    """

    def __init__(self, name: str, target: str) -> None:
        super().__init__(name)
        self.module, _, self.function = target.partition(":")

    def load(self) -> TyperCommand:
        """Import the function, and return the command that it makes.

        Raises:
            ExpectedError: a package that it needs is not installed.
        """
        try:
            module = import_module(self.module)
        except ModuleNotFoundError as error:
            raise ExpectedError(
                f"{self.name} needs the package {error.name}, which is not installed; pip install '.[EXTRA]' with the "
                "extra of pyproject.toml that has it"
            ) from error
        alone = typer.Typer(add_completion=False)
        alone.command(self.name, cls=Command)(getattr(module, self.function))
        command = typer.main.get_command(alone)
        assert isinstance(command, TyperCommand)
        return command

    def read_help(self) -> str | None:
        """Return the docstring of the function, read from the source: a list of commands imports none of them."""
        found = find_spec(self.module)
        assert found
        assert found.origin
        for node in ast.parse(Path(found.origin).read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name == self.function:
                return ast.get_docstring(node)
        raise AttributeError(f"{self.module} has no function {self.function}")


class LazyGroup(TyperGroup):
    """A group that imports a command when it is called; `--help` imports none."""

    def __init__(self, name: str, about: str, commands: Mapping[str, str | LazyGroup]) -> None:
        """Make the group.

        Args:
            name: the word on the command line.
            about: its help.
            commands: by name `module:function`, or a group.
        """
        listed = {
            name: target if isinstance(target, LazyGroup) else LazyCommand(name, target)
            for name, target in commands.items()
        }
        super().__init__(name=name, help=about, no_args_is_help=True, commands=dict(listed))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with a line for each command."""
        for command in self.commands.values():
            if isinstance(command, LazyCommand):
                command.help = command.read_help()
        super().format_help(ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the name, the command and the arguments left for it; the command is imported here."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, LazyCommand) else command, rest
