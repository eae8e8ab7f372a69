"""The schema of `syncd report --json`, made from its values: python -m tests.cli.report_schema > docs/report.schema.json"""

from __future__ import annotations

import msgspec

from syncd.cli.report_values import Report


def schema() -> str:
    """The document."""
    return msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Report)), indent=2).decode() + "\n"


if __name__ == "__main__":
    print(schema(), end="")  # noqa: T201  a document on standard output
