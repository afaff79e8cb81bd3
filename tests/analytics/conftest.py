"""How the examples of hypothesis are run."""

from hypothesis import settings

# A time limit for each example would test the machine.
settings.register_profile("analytics", deadline=None)
settings.load_profile("analytics")
