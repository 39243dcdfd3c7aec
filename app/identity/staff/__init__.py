"""Staff members: the back-office users on whose behalf integrations act."""
