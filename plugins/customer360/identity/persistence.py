"""Ids that stay: which person keeps which id, who merged into whom, and the history of it.

An id goes to the largest part of its person (ties: the part whose first customer was loaded first, then its key). A
person that inherits several keeps the one given first; the others are merged into it. A person that inherits none gets
the id of its first source customer, unless that was ever given. All of it is a function of the observations and of the
state before the run's date: running a date again gives the same rows.
"""

from __future__ import annotations

from customer360.identity.steps import Steps

_PREVIOUS = "source_system STRING, source_customer_id STRING, customer360_id STRING, valid_from DATE"
_EARLIER = "customer360_id STRING, valid_from DATE, valid_to DATE, merged_into STRING, cause STRING, why STRING"
_CLAIMS = "previous_id STRING, component INT64, source_customers INT64, age_key STRING, is_heir BOOL, is_kept BOOL"
_PEOPLE = "component INT64, customer360_id STRING, is_new BOOL, cause STRING, why STRING"
_SEPARATIONS = "previous_id STRING, component INT64, source_customers INT64, age_key STRING, cause STRING, why STRING"
_SUCCESSORS = "previous_id STRING, customer360_id STRING, cause STRING, why STRING"


def read_state(steps: Steps) -> None:
    """Write scratch tables `previous` (who each source customer was) and `earlier` (the history of ids), both as they
    were before the run's date."""
    if steps.previous is None:
        steps.write_empty("previous", _PREVIOUS)
        steps.write_empty("earlier", _EARLIER)
    else:
        steps.write("previous", _PREVIOUS)
        steps.write("earlier", _EARLIER)


def give_ids(steps: Steps) -> None:
    """From scratch table `members` to the map, the moves and the history."""
    steps.write("claims", _CLAIMS)
    steps.write("separations", _SEPARATIONS)
    steps.write("people", _PEOPLE)
    steps.write("successors", _SUCCESSORS)
    steps.publishable("map")
    steps.publishable("moves", empty=steps.previous is None)
    steps.publishable("history")
