"""One chat-completions service: where it is, what it takes, what it answers, and how it fails."""
