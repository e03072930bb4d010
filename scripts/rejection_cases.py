"""Stub."""
def check_cases(home):
    return 0
