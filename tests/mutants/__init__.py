"""A small mutation tester: changes one place of the program at a time and sees whether a test notices.

`scripts/mutants` chooses changes at random with a seed, among the modules where a fault costs most, and runs the tests
that execute the changed line. It is for maintainers, and no part of CI.
"""
