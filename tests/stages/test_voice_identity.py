"""What speaks enters keys: its model, further models where they are here, and what else its record names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.types.models import ResolvedModel
from dubkit.voice.engines.kokoro_published import MODEL
from stages import cast, speak
from stages.shared.voices import voice_identity
from tests.stages.test_keys import Fixed, episode

pytest.importorskip("misaki", reason="the voice is Kokoro's")


class WithVoices(Fixed):
    """The store of fixed identities, and Kokoro's published voices."""

    def find(self, role: str, name: str = "") -> ResolvedModel | None:
        if role == MODEL.role:
            folder = self.cache / "kokoro-voices"
            return ResolvedModel(role, MODEL.name, "cache", folder, "kokoro-voices-1", "Apache-2.0", 1)
        return super().find(role, name)


def test_published_voices_enter_keys_where_they_are_here_and_only_there(tmp_path: Path) -> None:
    without = episode(tmp_path)
    voices = tmp_path / "models/kokoro-voices"
    voices.mkdir(parents=True)
    (voices / "af_heart.bin").write_bytes(b"\0" * 1024)
    having = replace(without, models=WithVoices(tmp_path / "models"))
    assert "kokoro-voices-1" not in voice_identity(without)
    assert voice_identity(having) == f"{voice_identity(without)} + kokoro-voices-1"
    for stage in (cast, speak):
        keys = [item.models.get("voice", "") for item in stage.items(having)]
        assert any("kokoro-voices-1" in key for key in keys)
        assert not any("kokoro-voices-1" in item.models.get("voice", "") for item in stage.items(without))
