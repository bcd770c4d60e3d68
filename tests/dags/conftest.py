"""The same Airflow home as the other tests that import Airflow."""

import orchestration.conftest  # noqa: F401
