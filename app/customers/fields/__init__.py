"""Fields: what a shop may ask of a person: types, labels, patterns, and the extra fields it declares itself."""
