"""Episodes in stores for objects: S3 and whatever else fsspec reaches by URL."""
