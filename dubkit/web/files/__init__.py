"""Files on their way to and from the browser: media with ranges, previews, uploads."""
