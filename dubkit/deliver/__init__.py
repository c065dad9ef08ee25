"""What a studio is handed: packs of files that say where everything in them comes from, and their check."""
