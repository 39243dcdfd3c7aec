"""Reference data: countries, their zones, and how an address is written and checked in each."""
