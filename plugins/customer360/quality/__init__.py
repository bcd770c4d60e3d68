"""Audit: Great Expectations over tables that are about to be published."""

from customer360.quality.auditing import AuditedTable, audit
from customer360.quality.report import AuditReport, Result
from customer360.quality.suites import Expectation, Suite, load_suite

__all__ = ["AuditReport", "AuditedTable", "Expectation", "Result", "Suite", "audit", "load_suite"]
