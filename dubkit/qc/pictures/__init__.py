"""What a dub shows against what its source shows: faces, letters and colours of the same moments."""
