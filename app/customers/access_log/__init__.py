"""The access log of a customer: who read or changed the record, from the audit log."""
