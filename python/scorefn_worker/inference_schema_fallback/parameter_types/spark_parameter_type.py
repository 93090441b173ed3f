"""Spark data frames are left to the package itself."""

from __future__ import annotations

raise ImportError(
    "SparkParameterType needs the package inference-schema itself, for the built-in replacement has no Spark support: "
    "pip install inference-schema[pyspark-support]",
    name=__name__,
)
