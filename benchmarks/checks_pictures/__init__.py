"""The checks of pictures, proven on seeded faults: python -m benchmarks.checks_pictures FOLDER"""
