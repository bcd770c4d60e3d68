"""`c360 maintain`: keeping house."""

from __future__ import annotations

import click

from customer360.cli.session import console, session


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def maintain(dry_run: bool) -> None:
    """Remove what nobody needs any longer, and tidy what stays.

    \b
    c360 maintain --dry-run     what would go
    c360 maintain               candidates and scratch tables of dead runs, snapshots and landed files past their time,
                                replaced files; small files are merged, the catalog is compacted

    C360_RETENTION_DAYS says how long things are kept (docs/maintenance.md). The Dag customer_360_maintenance does the
    same every day. Runs and readers may go on meanwhile.
    """
    from customer360.build.maintenance import maintain as keep_house
    from customer360.orchestration.connections import open_landing

    with session() as build:
        done = keep_house(build, open_landing(build.settings), dry_run=dry_run)
    found, would = done.warehouse, "would be " if dry_run else ""
    lines = [
        (len(found.tables), f"candidates and scratch tables {would}dropped"),
        *((days, f"days of {name} {would}removed") for name, days in found.partitions.items()),
        (found.snapshots, f"snapshots {would}expired"),
        (found.removed, f"replaced files {would}deleted"),
        (found.orphans, f"orphaned files {would}deleted"),
        (found.merged, "fewer files, because small ones were merged"),
        (done.landing_files, f"landed files {would}removed ({_bytes(done.landing_bytes)})"),
        (done.folders, f"folders of killed loads {would}removed"),
    ]
    told = [f"{count:,} {what}" for count, what in lines if count]
    console.print("\n".join([*told, *found.notes]) or "Nothing to do.")
    if found.files_before is not None and found.files_after is not None:
        console.print(
            f"The lake: {found.files_before:,} files, {_bytes(found.bytes_before or 0)}"
            + ("" if dry_run else f" → {found.files_after:,} files, {_bytes(found.bytes_after or 0)}")
        )


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"
