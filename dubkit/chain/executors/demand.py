"""What a worker of a cluster asks for: cores, a graphics card, memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dubkit.chain.stage import Stage
    from dubkit.episode.context import Context

PROCESS_BYTES = 700 << 20
"""Memory of a process without models: Python, and the libraries that stages load."""

CARD_GB = "card_gb"
"""Custom resource of nodes that say how much memory their cards have: `--resources '{"card_gb": 80}'`."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What each of some workers asks for."""

    workers: int
    cpus: float
    cards: int
    memory: int
    """Bytes of the machine's memory."""
    card_gb: int = 0
    """Gigabytes of a card's memory; 0 where the nodes do not say what they have."""

    @property
    def cores(self) -> int:
        """Cores that a worker may use."""
        return max(1, int(self.cpus))

    def options(self) -> dict[str, Any]:
        """Return it as Ray takes it."""
        options: dict[str, Any] = {"num_cpus": self.cpus, "memory": self.memory}
        if self.cards:
            options["num_gpus"] = self.cards
        if self.card_gb:
            options["resources"] = {CARD_GB: self.card_gb}
        return options

    def waiting(self, stage: str, free: Mapping[str, float]) -> str:
        """Say what workers wait for, and what is free."""
        asked = [f"{self.cpus:g} CPU", f"{_gb(self.memory)} of memory"]
        asked += [f"{self.cards} graphics card"] if self.cards else []
        asked += [f"{self.card_gb} GB of a card"] if self.card_gb else []
        left = [f"{free.get('CPU', 0):g} CPU", f"{_gb(free.get('memory', 0))} of memory"]
        left += [f"{free.get('GPU', 0):g} graphics cards"] if self.cards else []
        left += [f"{free.get(CARD_GB, 0):g} GB of cards"] if self.card_gb else []
        return (
            f"{stage} waits for the cluster: a worker needs {', '.join(asked)}; free are {', '.join(left)}. "
            "`ray status` shows what holds the rest."
        )


def demand_of(stage: Stage, context: Context, cluster: Mapping[str, float], workers: int) -> Demand:
    """Return what the workers of a stage ask for; `workers` 0 is as many as the cluster has cores or cards.

    Workers never hold the last core: plain tasks, and whoever shares the cluster, would wait for ever.
    """
    cores, cards = max(1, int(cluster.get("CPU", 1))), int(cluster.get("GPU", 0))
    by_card = cards > 0 and stage.takes_card(context)
    count = workers or (cards if by_card else cores)
    left = cores - 1 if cores > 1 else 0.5
    cpus = 1.0 if count <= left else int(left / count * 10_000) / 10_000
    models = stage.memory(context) if stage.memory else 0
    says = by_card and cluster.get(CARD_GB, 0) > 0
    return Demand(count, cpus, int(by_card), PROCESS_BYTES + models, -(-models // 10**9) if says else 0)


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
