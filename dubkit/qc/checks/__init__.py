"""dubkit's own checks, and the words of the flags that other stages set: a file for each family."""
