"""Run an episode through stages that are handed in: plan, run, estimate. No stage is known here."""
