"""Programs that run in the homes of voice engines; they import the engine's package and nothing of dubkit."""
