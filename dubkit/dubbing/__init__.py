"""A dub as a diffusion: noise levels, guidance, token states and what conditions them."""
