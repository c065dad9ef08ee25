"""What nobody writes on purpose: mutated files, odd command lines and replies: all end in a sentence."""
