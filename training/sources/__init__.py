"""Where data come from: locations, archives, published files, raw snapshots."""
