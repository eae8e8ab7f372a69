"""Every error syncd raises on purpose, in one tree.

    SyncdError                 message · hint (what to do next) · exit code of the CLI
    ├── ConfigurationError     78   the settings, a mapping or a key file cannot be used; carries all problems at once
    ├── NotFound               4    no such dossier, dead letter or target
    ├── StoreError             1    the state database cannot be used
    │   ├── StoreUnavailable        locked, full, gone: try again later
    │   ├── SchemaMismatch          another version of syncd wrote it
    │   ├── LeaseLost               another node has taken over what this one held
    │   ├── MovedOn                 what is stored is no longer what was compared
    │   └── AlreadyRunning          a second daemon on the same state
    ├── SourceError            1    the one-stop database cannot be read
    │   └── SuspiciousSource        it lists nothing, or changed everything: a person must say (law L8)
    ├── TargetSilent           1    a target that must be asked does not answer
    ├── Unmappable             1    a dossier cannot be put into a target's terms; carries every field at fault
    └── UndecipherableError    1    stored text that no key of the key file opens

A connector turns whatever `requests`, `zeep` or a driver raises into a `Receipt` or one of these; nothing else crosses a port.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from syncd.model import Problem


class SyncdError(Exception):
    """Something went wrong that syncd understands."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        self.message = message or (type(self).__doc__ or "").splitlines()[0]
        self.hint = hint
        super().__init__(self.message)


class ConfigurationError(SyncdError):
    """The configuration cannot be used."""

    exit_code = 78

    def __init__(self, problems: Sequence[Problem], message: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__(message or "; ".join(f"{p.field}: {p.reason}" for p in self.problems))


class NotFound(SyncdError):
    """No such thing is known here."""

    exit_code = 4


class StoreError(SyncdError):
    """The state database cannot be used."""


class StoreUnavailable(StoreError):
    """The state database does not answer; syncd waits and tries again."""


class SchemaMismatch(StoreError):
    """The state database was written by another version of syncd."""


class LeaseLost(StoreError):
    """Another node has taken over what this one held."""


class MovedOn(StoreError):
    """What is stored is no longer what was compared."""


class AlreadyRunning(StoreError):
    """Another syncd daemon is using this state."""


class SourceError(SyncdError):
    """The one-stop database cannot be read."""


class SuspiciousSource(SourceError):
    """The one-stop database does not look like itself; nothing is done until a person has looked."""


class TargetSilent(SyncdError):
    """The target does not answer."""


class Unmappable(SyncdError):
    """A dossier cannot be put into the target's terms."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.field}: {p.reason}" for p in self.problems), hint=self.problems[0].hint)


class UndecipherableError(SyncdError):
    """Stored text cannot be opened with any key of the key file."""
