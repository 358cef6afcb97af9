"""Tools around the product: the launcher, fault campaigns and benchmarks."""
