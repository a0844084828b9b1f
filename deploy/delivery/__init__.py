"""What the workflow `cd` does to a cluster, in parts that also run elsewhere."""
