"""What sources deliver in a random history, and in which order it comes and is built.

Nothing here knows a warehouse: so a test can count over many seeds that every kind of event does happen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from conftest import ROOT

from customer360.project import TableName, load_project

START = date(2024, 3, 29)
Row = dict[str, Any]

# Sources that deliver all they have each time: what is not there is gone.
SNAPSHOTS = {"raw_marketing.marketing_campaigns"}
# What rebuilds whole tables of facts when its past changes: mostly it does not, else nothing would be built in part.
STEADY = {"raw_marketing.marketing_campaigns", "raw_finance.exchange_rates"}

# What may happen. Of a row: compared with all that was delivered of its key before.
ROWS = ("new", "changed", "150 days late", "of a coming day")
LOADS = (
    "another load's rows again", "the same load again", "rows no longer delivered", "out of order", "nothing", "no rows",
)  # fmt: skip
SNAPSHOT_LOADS = ("gone from a snapshot", "an unchanged snapshot")
RUNS = (
    "days missed", "a day built again", "an older day built", "built in full", "some tables built",
    "died", "died and never built again",
)  # fmt: skip


@dataclass(frozen=True)
class Delivery:
    """What a raw table holds for a day from now on."""

    table: str
    day: date
    rows: list[Row]

    def __str__(self) -> str:
        return f"{self.table}: {len(self.rows)} rows for {self.day}"


@dataclass(frozen=True)
class Step:
    """One run of a day: what has come before it, and how it is run.

    full: whatever has changed; dies: before its last publish; share: of the models, chosen by chance, 1 for all
    """

    day: date
    deliveries: list[Delivery]
    full: bool = False
    dies: bool = False
    share: float = 1


class Sources:
    """The sources of some raw tables. `raw`: what each table holds, by loaded date; `kinds`: how often what happened."""

    def __init__(self, tables: Iterable[str], random: Random) -> None:
        self.random = random
        self.raw: dict[str, dict[date, list[Row]]] = {table: {} for table in tables}
        self.kinds: Counter[str] = Counter()
        contracts = load_project(ROOT).contracts
        self._contracts = {table: contracts[TableName.parse(table)] for table in self.raw}

    # -- when what is built

    def story(self, days: int) -> Iterator[Step]:
        """Runs of so many days, and some of earlier ones. What a step brings is in `raw` when it is given; the last step
        is a whole run of the newest day."""
        r = self.random
        newest = day = START
        built: set[date] = set()
        is_whole = False
        while True:
            if is_whole and day >= newest and r.random() < 0.12:
                self.kinds["some tables built"] += 1
                yield Step(day, self.arrive(day), share=r.random())
                day += timedelta(days=r.choice([0, 1]))
            self.kinds["a day built again"] += day in built
            self.kinds["an older day built"] += day < newest
            built.add(day)
            full, dies = r.random() < 0.07, r.random() < 0.2
            self.kinds["built in full"] += full
            yield Step(day, self.arrive(day), full, dies)
            if dies:
                self.kinds["died"] += 1
                if r.random() < 0.6 or days == 1:
                    dies = False
                    yield Step(day, self.arrive(day) if r.random() < 0.5 else [])
                else:
                    self.kinds["died and never built again"] += 1
            is_whole |= not dies
            if day >= newest:
                days -= 1
            newest = max(newest, day)
            if not days:
                return
            # A day that died halfway is passed by, or gone on from; an older one would be refused.
            if not dies and r.random() < 0.15:
                day = newest - timedelta(days=r.choice([1, 1, 2, 7]))
            else:
                ahead = r.choice([0, 1, 1, 1, 2, 5])
                self.kinds["days missed"] += ahead > 1
                day = newest + timedelta(days=ahead)

    # -- what comes

    def arrive(self, day: date) -> list[Delivery]:
        """Loads for a day, and for earlier ones: again, or for the first time."""
        r = self.random
        found = []
        for table, loads in self.raw.items():
            if r.random() < 0.12:
                self.kinds["nothing"] += 1
            else:
                found.append(Delivery(table, day, self._load(table, day)))
            earlier = sorted(loaded for loaded in loads if loaded < day)
            if earlier and r.random() < 0.2:
                again = r.choice(earlier)
                kept = r.choice([0.7, 1, 1])  # mostly all of it comes again
                rows = [rows for rows in self._tellings(table, loads[again]) if r.random() < kept]
                rows += self._new(table, again) if r.random() < (0.1 if table in STEADY else 0.3) else []
                found.append(Delivery(table, again, self._once(table, rows)))
            missed = [day - timedelta(days=n) for n in (1, 2, 3) if day - timedelta(days=n) not in loads]
            if missed and r.random() < 0.15:
                older = r.choice(missed)
                found.append(Delivery(table, older, self._load(table, older)))
        r.shuffle(found)
        for delivery in found:
            self.take(delivery)
        return found

    def take(self, delivery: Delivery) -> None:
        """Remember a delivery, and which kinds of events it is: judged by what it holds, not by what was meant."""
        table, day, rows = delivery.table, delivery.day, delivery.rows
        loads = self.raw[table]
        others = [row for load in loads.values() for row in load]
        known = {self._thing(table, row) for row in others}
        time = self._contracts[table].event_time
        for row in rows:
            self.kinds["new"] += self._thing(table, row) not in known
            self.kinds["changed"] += self._thing(table, row) in known and row not in others
            if time:
                self.kinds["150 days late"] += row[time].date() <= day - timedelta(days=150)
                self.kinds["of a coming day"] += row[time].date() > day
        before = loads.get(day)
        self.kinds["no rows"] += not rows
        self.kinds["the same load again"] += bool(rows) and rows == before
        self.kinds["out of order"] += before is None and any(loaded > day for loaded in loads)
        self.kinds["another load's rows again"] += any(
            loaded != day and load and all(row in rows for row in load) for loaded, load in loads.items()
        )
        delivered = {self._thing(table, row) for row in rows}
        self.kinds["rows no longer delivered"] += any(self._thing(table, row) not in delivered for row in before or ())
        if table in SNAPSHOTS and (last := self._last(table, day)):
            self.kinds["gone from a snapshot"] += any(self._thing(table, row) not in delivered for row in last)
            self.kinds["an unchanged snapshot"] += rows == last
        loads[day] = rows

    def _load(self, table: str, day: date) -> list[Row]:
        """A day's rows: new ones, and sometimes those of an earlier load once more, under another name."""
        r = self.random
        if table in SNAPSHOTS:
            last = self._tellings(table, self._last(table, day))
            if last and r.random() < 0.75:
                return self._once(table, last)
            return self._once(table, [rows for rows in last if r.random() < 0.7] + self._new(table, day))
        earlier = sorted(loaded for loaded in self.raw[table] if loaded < day)
        again = self.raw[table][r.choice(earlier)] if earlier and r.random() < 0.25 else []
        return self._once(table, self._tellings(table, again) + self._new(table, day))

    def _last(self, table: str, day: date) -> list[Row]:
        loads = self.raw[table]
        earlier = [loaded for loaded in loads if loaded < day]
        return loads[max(earlier)] if earlier else []

    def _thing(self, table: str, row: Row) -> tuple[Any, ...]:
        """What a row is about: its key as staging reads it, a line's transaction."""
        key = [row[column] for column in self._contracts[table].key if column != "line_number"]
        return tuple(value.strip() if isinstance(value, str) else value for value in key)

    def _tellings(self, table: str, rows: Iterable[Row]) -> list[list[Row]]:
        found: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows:
            found.setdefault(self._thing(table, row), []).append(row)
        return list(found.values())

    def _once(self, table: str, tellings: Iterable[list[Row]]) -> list[Row]:
        """A load holds a thing once: contracts refuse repeats. It is told whole; the last telling counts."""
        last = {self._thing(table, rows[0]): rows for rows in tellings}
        return [row for rows in last.values() for row in rows]

    def _new(self, table: str, day: date) -> list[list[Row]]:
        most = 1 if table == "raw_finance.exchange_rates" else 6
        return [self._make(table, day) for _ in range(self.random.randint(0, most))]

    def _make(self, table: str, day: date) -> list[Row]:
        """One thing as a source tells it: new or known by its key, of about now, long ago, or a clock that runs ahead."""
        r = self.random
        key = f"K{r.randint(1, 12)}" + (" " if r.random() < 0.1 else "")
        back = r.choice([0, 0, 0, 1, 2, 5, 31, 150, -1, -3])
        at = datetime(day.year, day.month, day.day, r.randint(0, 23), r.randint(0, 59), tzinfo=UTC) - timedelta(
            days=back
        )
        who = r.choice(["C1", "C2", "C3", None, ""])
        kind = table.partition(".")[2]
        if kind == "purchase_transactions":
            updated = at + timedelta(days=r.choice([0, 0, 1, 4, 40]))
            return [
                {
                    "transaction_id": key, "line_number": line, "customer_id": who, "product_id": f"P{r.randint(1, 3)}",
                    "purchase_date": at + timedelta(hours=r.choice([0, 0, 0, 1, 30, 900])) * (line > 1),
                    "quantity": r.randint(1, 3), "total_amount": r.choice([0, 1, 2, 5, -3]) * 10,
                    "currency": r.choice([None, "EUR", "USD"]), "updated_at": updated, "channel": r.choice(["web", "store"]),
                    "order_status": r.choice(["delivered", "delivered", "refunded", "pending"]),
                }
                for line in range(1, r.randint(1, 3) + 1)
            ]  # fmt: skip
        if kind == "exchange_rates":
            rate_day = day if r.random() < 0.9 else day - timedelta(days=r.choice([1, 20, 70]))
            return [{"currency": "USD", "rate_date": rate_day, "rate": r.choice([1, 2, 3])}]
        if kind == "marketing_campaigns":
            return [{"campaign_id": f"M{r.randint(1, 3)}", "channel": r.choice(["email", "push"])}]
        if kind == "website_behavior":
            device = {"anonymous_id": r.choice([None, "A1"]), "device_type": r.choice(["web", "ios app"])}
            return [{"session_id": key, "customer_id": who, "visit_date": at, "pages_viewed": r.randint(1, 9)} | device]
        if kind == "customer_events":
            what = {"event_type": r.choice(["PAGE_VIEW", "LOGIN", "odd"]), "properties": '{"a": 1}'}
            return [{"event_id": key, "customer_id": who, "occurred_at": at} | what]
        if kind == "campaign_responses":
            what = {"response_type": r.choice(["open", "click", "sent"]), "campaign_id": f"M{r.randint(1, 4)}"}
            return [{"response_id": key, "customer_id": who, "response_date": at} | what]
        if kind == "customer_service":
            score = {"satisfaction_score": r.randint(1, 5)}
            return [{"interaction_id": key, "customer_id": who, "interaction_date": at} | score]
        return [{"redemption_id": key, "promotion_id": "X", "customer_id": who, "redeemed_at": at, "order_id": "O"}]
