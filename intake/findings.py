"""What `intake doctor` can say of a machine: one sentence what is wrong, one what to do, and never a time of a report."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fault.

    Attributes:
        name: for scripts; the same fault has the same name on every machine.
        wrong: what is wrong, as a sentence.
        do: what to do, as a sentence.
    """

    name: str
    wrong: str
    do: str
