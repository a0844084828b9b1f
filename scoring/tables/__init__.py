"""Tables, whatever door they come in by: where a file lies, its columns, its rows in batches, and their values.

Files yield Arrow tables, a CSV file's with every cell as text. `columns` turns a column into values by the rule of its
field, and `names` finds the columns of a contract among those of a table.
"""
