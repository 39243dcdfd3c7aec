"""Data exports: everything that is held about a customer, as a ZIP file (GDPR, Art. 15 and 20)."""
