"""The audit log: who read, changed or erased what, when and from where, without personal values."""
