"""Protection against password guessing: counters of wrong passwords per name, source and known device, with delays."""
