"""The batch script of an attempt, from a template with ``{{ name }}`` placeholders."""

import re
import shlex
from dataclasses import dataclass, fields

TEMPLATE = """\
#!/bin/sh
#SBATCH --job-name={{ job_name }}
#SBATCH --comment={{ comment }}
#SBATCH --partition={{ partition }}
#SBATCH --nodes=1
#SBATCH --ntasks={{ ranks }}
#SBATCH --cpus-per-task={{ threads }}
#SBATCH --gres=gpu:{{ cards }}
#SBATCH --mem={{ memory_mb }}M
#SBATCH --chdir={{ project }}
#SBATCH --output={{ output }}
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:TERM@120
exec {{ python }} -I -S {{ shim }} {{ attempt_folder }}
"""
"""The built-in one. A line for Slurm whose placeholder is empty (no cards, memory not known) is left out."""

_PLACEHOLDER = re.compile(r"\{\{([^{}\n]*)\}\}")
_FOR_SLURM = "#SBATCH"
_NEEDED = ("python", "shim", "attempt_folder")
_OURS = re.compile(r"-[JaWMQ]|--(job-name|comment|array|wait|wrap|clusters|cluster|test-only|parsable|quiet)(=|$)")


class BadTemplate(ValueError):
    """A template, or words for ``sbatch``, that cannot be used; the message says what in it, and what to change."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a job asks Slurm for.

    Attributes
    ----------
    partition
        "" for the cluster's own choice.
    threads
        Of each rank.
    cards
        Number of cards, for all ranks together.
    memory_mb
        Of all ranks together; None if it is not known, and left to Slurm.
    """

    partition: str = ""
    ranks: int = 1
    threads: int = 1
    cards: int = 0
    memory_mb: int | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """Names and paths in a batch script; paths are absolute."""

    job_name: str
    comment: str
    project: str
    attempt_folder: str
    python: str
    shim: str
    output: str


def batch_script(asked: Asked, names: Names, template: str = "") -> str:
    """Write the batch script of an attempt; `template` "" is the built-in one.

    Raises
    ------
    BadTemplate
        If the template is wrong, or a path holds what no line of a script can hold.
    """
    template = template or TEMPLATE
    check_template(template)
    values = _values(asked, names)
    lines = [_filled(line, values) for line in template.splitlines()]
    return "".join(f"{line}\n" for line in lines if line is not None)


def check_template(template: str) -> None:
    """Raise `BadTemplate` unless a batch script can be made of a text, whatever the job."""
    known = sorted(_KNOWN)
    named = [name.strip() for name in _PLACEHOLDER.findall(template)]
    if unknown := [name for name in named if name not in _KNOWN]:
        raise BadTemplate(
            f"the batch template has the placeholder {{{{ {unknown[0][:80]} }}}}, which is not known; "
            f"there are: {', '.join(known)}."
        )
    rest = _PLACEHOLDER.sub("", template)
    if "{{" in rest or "}}" in rest:
        raise BadTemplate("the batch template has {{ or }} that is no placeholder; write {{ name }}.")
    if missing := [name for name in _NEEDED if name not in named]:
        raise BadTemplate(
            f"the batch template lacks {{{{ {missing[0]} }}}}; "
            "its last line must be: exec {{ python }} -I -S {{ shim }} {{ attempt_folder }}"
        )
    if not template.startswith("#!"):
        raise BadTemplate("the batch template must begin with #! and a shell, such as #!/bin/sh.")
    for line in template.splitlines():
        if line.startswith(_FOR_SLURM):
            check_options(_options_of(line), may_name=True)


def check_options(words: tuple[str, ...] | list[str], *, may_name: bool = False) -> None:
    """Raise `BadTemplate` if words for ``sbatch`` would make jobs that cannot be followed."""
    for word in words:
        found = _OURS.match(word)
        if found and not (may_name and found[1] in ("job-name", "comment")):
            raise BadTemplate(f"{word[:80]} cannot be given to sbatch here: halfmap finds its jobs again by name.")


def _options_of(line: str) -> list[str]:
    try:
        return shlex.split(line.removeprefix(_FOR_SLURM), comments=True)
    except ValueError as error:
        raise BadTemplate(f"the batch template has the line {line[:80]!r}, which cannot be read: {error}.") from None


def _values(asked: Asked, names: Names) -> dict[str, str]:
    values = {field.name: getattr(part, field.name) for part in (asked, names) for field in fields(part)}
    values["cores"] = asked.ranks * asked.threads
    return {name: _written(name, value) for name, value in values.items()}


_KNOWN = frozenset({"cores"} | {field.name for part in (Asked, Names) for field in fields(part)})


def _written(name: str, value: str | int | None) -> str:
    """Write a value so that Slurm and the shell read one word; "" for what is not asked for."""
    text = str(value or "")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise BadTemplate(f"the {name.replace('_', ' ')} {text[:200]!r} holds a control character; rename it.")
    if name == "output":
        text = text.replace("%", "%%")  # Slurm's own placeholders begin with it
    return shlex.quote(text) if text else ""


def _filled(line: str, values: dict[str, str]) -> str | None:
    """Fill a line's placeholders; None for a line for Slurm that says nothing."""
    wanted = [name.strip() for name in _PLACEHOLDER.findall(line)]
    if line.startswith(_FOR_SLURM) and any(not values[name] for name in wanted):
        return None
    return _PLACEHOLDER.sub(lambda found: values[found[1].strip()], line)
