"""One clip between files and latents: pictures and sound, encoded and decoded."""
