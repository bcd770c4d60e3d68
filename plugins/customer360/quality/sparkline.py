"""Small pictures of the last days, as inline SVG that takes its colours from the page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from markupsafe import Markup

_WIDTH, _HEIGHT, _PAD = 132, 26, 3


def line(
    points: Sequence[tuple[date, float]],
    *,
    words: str,
    band: tuple[float, float] | None = None,
    top: float | None = None,
) -> Markup:
    """A line through values by day with its end marked; `band` is shaded, `top` the greatest value there can be.

    `words` is what a screen reader says.
    """
    if not points:
        return Markup("")
    values = [value for _, value in points]
    shown: list[float] = [*values, *(band or ())]
    low, high = min(shown), max(shown) if top is None else top
    if low == high:
        low, high = low - 1, high + (1 if top is None else 0)

    def y(value: float) -> float:
        return round(_HEIGHT - _PAD - (value - low) / (high - low) * (_HEIGHT - 2 * _PAD), 1)

    step = (_WIDTH - 2 * _PAD) / max(len(values) - 1, 1)
    places = [(round(_PAD + n * step, 1), y(value)) for n, value in enumerate(values)]
    parts = []
    if band:
        upper = y(band[1])
        parts.append(
            Markup('<rect class="band" x="0" y="{}" width="{}" height="{}"/>').format(
                upper, _WIDTH, round(max(y(band[0]) - upper, 1), 1)
            )
        )
    if len(places) > 1:
        path = "M" + "L".join(f"{x} {y}" for x, y in places)
        parts.append(Markup('<path class="line" d="{}"/>').format(path))
    parts.append(Markup('<circle class="end" cx="{}" cy="{}" r="2.4"/>').format(*places[-1]))
    return _svg(words, Markup("").join(parts), _WIDTH)


def strip(held: Sequence[bool], *, words: str, mild: bool = False) -> Markup:
    """One bar a day: a short one where something held, a tall one where it did not; `mild` where that is a warning."""
    if not held:
        return Markup("")
    good = "".join(f"M{2 + 5 * n} {_HEIGHT - 4}v-7" for n, success in enumerate(held) if success)
    bad = "".join(f"M{2 + 5 * n} {_HEIGHT - 4}v-18" for n, success in enumerate(held) if not success)
    broke = "broke mild" if mild else "broke"
    bars = Markup('<path class="held" d="{}"/>').format(good) + Markup('<path class="{}" d="{}"/>').format(broke, bad)
    return _svg(words, bars, max(4 + 5 * len(held), 24))


def _svg(words: str, inner: Markup, width: int) -> Markup:
    return Markup(
        '<svg class="spark" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(words, width, _HEIGHT, width, _HEIGHT, inner)
