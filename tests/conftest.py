"""What holds for all tests."""

from hypothesis import settings

# An example that takes long on a busy machine is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
