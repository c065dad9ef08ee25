"""The generator on a graphics card: rehearsed at full size without one, or measured on one."""
