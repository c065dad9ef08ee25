"""Voice engines that cannot share dubkit's environment: each has a home, and a runner that speaks there."""
