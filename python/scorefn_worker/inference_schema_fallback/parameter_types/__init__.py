"""The kinds of parameters a schema can be declared with."""
