"""A deployment of one source, `shop`, as the tests of the sources have it. What is tried here is listed in docs/security.md."""

from __future__ import annotations

from sources.conftest import shop

__all__ = ["shop"]
