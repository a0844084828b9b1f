"""The desk's API: what its pages do, for whoever builds another front."""
