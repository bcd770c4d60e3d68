"""First checks of a deployment, one line each, and what to do about each that fails."""

from customer360.doctor.checks import Advice, Check, Finding, Result, Status, examine

__all__ = ["Advice", "Check", "Finding", "Result", "Status", "examine"]
