"""Read, cut, measure and write media files: everything that knows what a container is."""
