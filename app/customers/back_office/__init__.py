"""Operations of the back office on customers: search, list, upsert."""
