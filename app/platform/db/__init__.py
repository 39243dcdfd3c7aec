"""The databases: engines, the door for reads, transactions for writes, base columns, migrations."""
