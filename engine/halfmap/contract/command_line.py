"""The engine's options as an argument list, and back; both driven by the declarations alone."""

import difflib
import textwrap
from collections import Counter, deque
from collections.abc import Sequence
from itertools import groupby

from halfmap.contract.option import Declared, Flag, Value, number_from_text, value_text
from halfmap.contract.refine_arguments import FLAGS, RefineArguments, given, is_default

_BY_FLAG = {option.declaration.flag: option for option in FLAGS}
_VALUE_WORDS = {"switch": "", "whole number": "N", "number": "X", "text": "TEXT"}


class ArgumentError(Exception):
    """Options that could not be read.

    Attributes
    ----------
    problems
        One sentence for everything that is wrong.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def to_argv(arguments: RefineArguments) -> list[str]:
    """Write options as an argument list.

    Returns
    -------
    list of str
        What was given or differs from its default, in the order of the declarations. An option given with its default
        is written too, because it counts when a run is continued.
    """
    return [word for option in FLAGS for word in _words(option, arguments)]


def _words(option: Declared[Flag], arguments: RefineArguments) -> list[str]:
    value = getattr(arguments, option.name)
    says_nothing = option.kind == "switch" or value in ("", None)
    if is_default(option, arguments) and (says_nothing or option.name not in given(arguments)):
        return []
    return [option.declaration.flag] if option.kind == "switch" else [option.declaration.flag, value_text(value)]


def from_argv(argv: Sequence[str]) -> RefineArguments:
    """Read options from an argument list in RELION's spelling.

    Parameters
    ----------
    argv
        The arguments without the program's name: ``--name value``, switches alone, ``--gpu`` with or without ids.

    Raises
    ------
    ArgumentError
        With all problems at once: unknown options (and the closest known one), missing or unreadable values. Ranges are
        the business of `halfmap.contract.refine_arguments.argument_problems`.

    Notes
    -----
    Where an option is given twice the last value holds, so that a command can be varied by adding to it; `overruled`
    tells which were.
    """
    return RefineArguments.model_validate(settings_from_argv(argv))


def settings_from_argv(argv: Sequence[str]) -> dict[str, Value]:
    """Read options as `from_argv` does, but return only those that were given, by the names of their fields."""
    words = deque(argv)
    settings: dict[str, Value] = {}
    problems: list[str] = []
    while words:
        try:
            option = _known_option(words)
            settings[option.name] = _value(option, words)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ArgumentError(problems)
    return settings


def overruled(argv: Sequence[str]) -> list[str]:
    """Tell which options are given more than once, a sentence each, for people who did not mean that."""
    counts = Counter(word for word in argv if word in _BY_FLAG)
    return [f"{flag} is given {count} times; the last one holds." for flag, count in counts.items() if count > 1]


def _known_option(words: deque[str]) -> Declared[Flag]:
    word = words.popleft()
    if word in _BY_FLAG:
        return _BY_FLAG[word]
    if not word.startswith("--"):
        raise ValueError(f"{word!r} stands where an option is expected; options begin with two dashes.")
    while words and not words[0].startswith("--"):
        words.popleft()  # its value, so that it is not told as a second problem
    name, equals_sign, value = word.partition("=")
    if equals_sign and name in _BY_FLAG:
        raise ValueError(f"{word}: write a space instead of the equals sign: {name} {value}.")
    closest = difflib.get_close_matches(word, _BY_FLAG, n=1)
    # Differs from RELION: it warns of an unknown option and goes on without it, after which the result is another one.
    raise ValueError(f"{word} is not an option" + (f"; the closest is {closest[0]}." if closest else "."))


def _value(option: Declared[Flag], words: deque[str]) -> Value:
    flag = option.declaration.flag
    if option.kind == "switch":
        return not option.default
    if not words or words[0].startswith("--"):
        if option.declaration.value_optional:
            return ""
        raise ValueError(f"{flag} needs a value after it.")
    text = words.popleft()
    if option.kind == "text":
        return "" if text == "None" and option.name.endswith("_file") else text
    try:
        return number_from_text(option.kind, text)
    except ValueError as error:
        raise ValueError(f"{flag} {error}.") from None


def help_text() -> str:
    """Describe all options, group by group, in lines of at most 100 characters."""
    return "\n\n".join(
        "\n".join([f"{group}:", *(_help_entry(option) for option in options)])
        for group, options in groupby(FLAGS, key=lambda option: option.declaration.group)
    )


def _help_entry(option: Declared[Flag]) -> str:
    declaration = option.declaration
    reason = f" No effect: {declaration.no_effect}." if declaration.no_effect else ""
    refused = " Not offered by this version." if declaration.not_yet else ""
    text = f"{declaration.help}{reason}{refused}{_default_note(option)}"
    return textwrap.fill(text, width=100, initial_indent=f"  {_usage(option):<33} ", subsequent_indent=" " * 36)


def _usage(option: Declared[Flag]) -> str:
    flag, word = option.declaration.flag, "FILE" if option.name.endswith("_file") else _VALUE_WORDS[option.kind]
    return f"{flag} [{word}]" if option.declaration.value_optional else f"{flag} {word}".rstrip()


def _default_note(option: Declared[Flag]) -> str:
    if option.kind == "switch" or option.default in ("", None):
        return ""
    unit = f" {option.declaration.unit}" if option.declaration.unit else ""
    return f" [{value_text(option.default)}{unit}]"
