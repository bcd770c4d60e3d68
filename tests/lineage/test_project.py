"""Every published column leads to raw columns, and back; and what a person is shown of it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from customer360.errors import ProjectError
from customer360.lineage import Lineage, Node
from customer360.lineage.picture import draw, mermaid, to_the_ends, tree
from customer360.lineage.svg import svg
from customer360.project import Project, load_project
from lineage.conftest import parameter_types

REVENUE = "marts.customer_360.total_revenue"


def names(nodes: list[Node]) -> set[str]:
    return {str(node) for node in nodes}


def test_every_published_column_leads_to_raw_columns_parameters_or_constants(
    lineage: Lineage, project: Project
) -> None:
    models = {str(name): model for name, model in project.models.items()}
    published = [node for table in models for node in lineage.columns(table)]
    assert len(published) > 500
    for node in published:
        ends = lineage.ends(node)
        assert ends, node
        for end in ends:
            if lineage.is_raw(end.table) or end.is_parameter:
                continue
            listed = end.is_rows and not models[end.table].references  # rows that are written in a query
            assert listed or lineage.trace(end.table).columns[end.column].constants, f"{node} ends in {end}"


def test_revenue_comes_from_lines_their_state_and_the_rates(lineage: Lineage) -> None:
    # What the definition in docs names: sold lines by amount and status, refunds by their date, converted.
    (node,) = lineage.find(REVENUE)
    assert names(lineage.ends(node)) == {
        "@completed_statuses", "@reporting_currency", "@run_date", "@unconnected_tables",
        *(f"raw_commerce.purchase_transactions.{c}" for c in ("total_amount", "currency", "order_status", "purchase_date", "updated_at")),
        "raw_finance.exchange_rates.rate",
    }  # fmt: skip
    deciding = names(lineage.deciding(node))
    assert {"raw_commerce.purchase_transactions.customer_id", "raw_finance.exchange_rates.rate_date"} <= deciding
    assert "raw_web.website_behavior.pages_viewed" not in deciding


def test_ahead_is_back_seen_from_the_other_side(lineage: Lineage, project: Project) -> None:
    back = {
        node: lineage.ends(node) for t in ("marts.customer_360", "dashboards.agg_kpis") for node in lineage.columns(t)
    }
    for contract in project.contracts:
        for raw in lineage.columns(str(contract)):
            made_of_it = set(lineage.impact(raw)[0])
            assert {node for node, ends in back.items() if raw in ends} == made_of_it & back.keys(), raw


def test_what_decides_rows_changes_every_table_made_from_them(lineage: Lineage) -> None:
    values, tables = lineage.impact(Node("raw_support.customer_service", "satisfaction_score"))
    assert "dashboards.agg_satisfaction.avg_satisfaction_score" in names(values)
    # Whether a past day gets a new version of a person hangs on every value of the person.
    assert tables == ["marts.customer_360_daily", "marts.customer_360_history"]
    _, tables = lineage.impact(Node("raw_commerce.purchase_transactions", "order_status"))
    assert tables[0] == "core.fct_orders"
    assert "marts.customer_360" in tables
    assert "staging.stg_commerce__purchase_transactions" not in tables


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("marts.customer360", "there is no table 'marts.customer360' (did you mean marts.customer_360"),
        (
            "marts.customer_360.total_revenu",
            "marts.customer_360 has no column 'total_revenu' (did you mean total_revenue",
        ),
        ("total_revenue", "did you mean marts.customer_360.total_revenue"),
        ("qqqq", "there is no table 'qqqq'"),
    ],
)
def test_a_name_that_is_none_is_answered_by_the_nearest(lineage: Lineage, text: str, message: str) -> None:
    with pytest.raises(ProjectError, match=re.escape(message)):
        lineage.find(text)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Lineage:
    """A raw table, a model of it, one that Python computes from that, and a model of the computed one."""
    folder = tmp_path_factory.mktemp("tiny")
    for path, sql, columns in (
        ("raw_shop/sales", "", ("sale_id", "amount")),
        ("staging/stg_sales", "SELECT sale_id, amount AS total, 'eur' AS currency FROM raw_shop.sales WHERE amount > 0", ("sale_id", "total", "currency")),
        ("marts/figures", "SELECT MAX(total) AS best, COUNT(*) AS sales FROM staging.stg_sales", ("best", "sales")),
    ):  # fmt: skip
        (folder / "sql" / path).mkdir(parents=True)
        types = "".join(
            f"\n  - {{name: {c}, type: STRING, description: d, required: {str(not sql and c == 'sale_id').lower()}}}"
            for c in columns
        )
        key = "" if sql else "\nkey: [sale_id]"
        (folder / "sql" / path / "model.yaml").write_text(
            f"description: One row per x.\nowner: me{key}\ncolumns:{types}\n"
        )
        if sql:
            (folder / "sql" / path / "query.sql").write_text(sql)
    return Lineage(load_project(folder), parameter_types())


def test_a_tree_says_how_each_column_comes_from_the_one_before(tiny: Lineage) -> None:
    assert list(
        tree(draw(tiny, tiny.find("marts.figures")), lambda node: "raw" if tiny.is_raw(node.table) else "")
    ) == [
        "marts.figures.best",
        "└─ staging.stg_sales.total  aggregated",
        "   └─ raw_shop.sales.amount  as it is; raw",
        "marts.figures.sales",
        "└─ rows of staging.stg_sales  aggregated",
        "   └─ rows of raw_shop.sales  read; raw",
    ]
    assert names(tiny.deciding(*tiny.find("marts.figures.sales"))) == {"raw_shop.sales.amount"}


def test_mermaid_has_a_box_for_each_table_and_an_arrow_for_each_step(tiny: Lineage) -> None:
    lines = list(mermaid(draw(tiny, tiny.find("marts.figures.best"))))
    assert lines[0] == "flowchart LR"
    assert [line.split('"')[1] for line in lines if "subgraph" in line] == [
        "marts.figures",
        "staging.stg_sales",
        "raw_shop.sales",
    ]
    assert lines[-4:-2] == ["  n1 --> n0", "  n2 --> n1"]
    assert list(mermaid(to_the_ends(tiny, tiny.find("marts.figures.best"))))[-3] == "  n1 --> n0"


def test_svg_shows_every_node_from_left_to_right(lineage: Lineage) -> None:
    picture = draw(lineage, lineage.find(REVENUE))
    drawn = ET.fromstring(svg(picture))
    space = "{http://www.w3.org/2000/svg}"
    boxes = drawn.findall(f"{space}rect")
    arrows = list(drawn.findall(f"{space}path"))
    assert (len(boxes), len(arrows)) == (len(picture.nodes), len(picture.arrows))
    for arrow in arrows:
        numbers = [float(n) for n in re.findall(r"[\d.]+", arrow.attrib["d"])]
        assert numbers[0] < numbers[-2]
    texts = {text.text for text in drawn.findall(f"{space}text")}
    assert {"raw_commerce.purchase_transactions", "total_amount", "@reporting_currency"} <= texts
