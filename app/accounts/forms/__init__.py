"""Forms: the fields of registration and profile, as a front end shows them; what checks them is the same."""
