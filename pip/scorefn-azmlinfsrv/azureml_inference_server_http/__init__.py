"""The names of the reference server's package, for scorefn."""
