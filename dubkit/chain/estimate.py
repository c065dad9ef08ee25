"""What a planned run needs besides time, added up from the estimates of its stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dubkit.chain.chain import Chain
from dubkit.chain.plan import StagePlan
from dubkit.chain.stage import Needs
from dubkit.episode.context import Context


def estimate(chain: Chain, context: Context, plans: Sequence[StagePlan]) -> Needs | None:
    """Estimate a plan; None while the source is not probed."""
    if not context.store.has("episode.json"):
        return None
    total = Needs()
    for planned in plans:
        stage = chain.find(planned.stage, "stage")
        if stage.estimate is None or not (planned.reasons or planned.waits_for):
            continue
        share = len(planned.reasons) / planned.total if planned.total else 1.0
        total += stage.estimate(context.fresh(planned.language), frozenset(planned.reasons), share)
    return replace(total, tflop=round(total.tflop, 1))
