"""Takes the place of the package `inference-schema` where that is not installed (contract section 17).

Importable as `inference_schema` only: schemas.py puts a finder at the end of sys.meta_path, so that an installed
package always wins. The names, the schemas and the conversions are those of inference-schema 1.8, its oddities
included; the code is our own. test/python/test_schemas_same.py compares what the two make of one table of cases.
"""
