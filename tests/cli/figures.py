"""The connector of a province's own: its target is sent figures and nothing else."""

from __future__ import annotations

from pathlib import Path

from syncd.model import Kind
from syncd.options import TargetOptions

ENTRY_POINTS = f"[syncd.targets]\nfigures = {__name__}:connector\n"


class FiguresConnector:
    """What the entry point names."""

    options: type[TargetOptions] = TargetOptions

    def takes(self, options: TargetOptions) -> frozenset[Kind]:
        """Figures only."""
        return frozenset({Kind.STATISTIC})


connector = FiguresConnector()


def install(folder: Path) -> None:
    """Register it as a wheel would, for whoever has `folder` on its path."""
    registered = folder / "figures-1.dist-info"
    registered.mkdir()
    (registered / "METADATA").write_text("Metadata-Version: 2.1\nName: figures\nVersion: 1\n", "utf-8")
    (registered / "entry_points.txt").write_text(ENTRY_POINTS, "utf-8")
