"""Cold starts and warm requests of real bundles beside what else people deploy: `make bench`."""
