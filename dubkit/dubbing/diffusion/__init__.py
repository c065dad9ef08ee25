"""A clip as a diffusion: recipes, noise levels, conditions and guidance, walked from noise to latents."""
