"""Where things are kept: hashes, files written whole, the cache of steps, manifests."""
