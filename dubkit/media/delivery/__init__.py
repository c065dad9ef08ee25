"""Write the finished file, and check it."""
