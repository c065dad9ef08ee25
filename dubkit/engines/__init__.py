"""What can make a take of a line besides a voice, and the devices that it runs on."""
