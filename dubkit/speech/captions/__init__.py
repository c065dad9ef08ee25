"""From subtitles to what is spoken: once, by whom, and without what only stands on the screen."""
