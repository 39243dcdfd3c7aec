"""The databases: engines, compiled reads and writes, transactions, work queues, base columns, migrations."""
