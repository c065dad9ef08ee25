"""One clip between files and latents: its pictures and sound as the generator takes and gives them."""
