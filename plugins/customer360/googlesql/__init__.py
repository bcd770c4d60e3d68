"""The dialect: GoogleSQL inside an allow-list, analysed and translated to DuckDB.

parse: one query or expression, its tables and parameters · allow: what a model may use · types: the types and their
names elsewhere · to_duckdb: the translation · session: what a DuckDB connection must run first · bind: values for
parameters · rename: other tables for those a query names.
"""
