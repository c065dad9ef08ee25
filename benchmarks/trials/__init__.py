"""Cases: what people do with dubkit and what must come of it, written so that a program can try them."""
