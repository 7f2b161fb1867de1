"""What `bench/run` and `bench/storage` are made of."""
