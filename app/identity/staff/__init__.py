"""Staff members: the people of the back office on whose behalf integrations act."""
