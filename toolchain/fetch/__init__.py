"""Getting pinned wheels: from the cache, a mirror folder or the network, verified each time."""
