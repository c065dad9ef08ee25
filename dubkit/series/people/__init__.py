"""The people of a series: who they are, how they sound, and which voice speaks for them."""
