"""What holds for all tests."""

import os

from hypothesis import settings

from tests.helpers.examples import examples

# An example that takes long on a busy machine is no failure. CI tries the same examples each time, so that a red run is
# about the change; who works on the project tries new ones with every run, and keeps those that failed.
settings.register_profile("patient", deadline=None, derandomize="CI" in os.environ, max_examples=examples())
settings.load_profile("patient")
