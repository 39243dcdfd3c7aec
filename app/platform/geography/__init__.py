"""Reference data: countries, their zones, and the address format and checks of each."""
