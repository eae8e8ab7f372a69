"""The schema of `syncd reconcile --json`, made from its values: python -m tests.cli.reconcile_schema > docs/schemas/reconcile.schema.json"""

from __future__ import annotations

from typing import Any

import msgspec

from syncd.cli.reconcile_values import Reconciled

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The schema as values."""
    return {"$schema": DRAFT, "title": "syncd reconcile --json", **msgspec.json.schema(Reconciled)}


def document() -> str:
    """And as a document."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201  a document on standard output
