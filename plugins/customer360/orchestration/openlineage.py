"""What a step read and made, as OpenLineage tells it: datasets with their columns, and where each column comes from.

Airflow's OpenLineage provider asks the operators when a task ends, and sends the events; where to, and whether at all,
is its own configuration ([openlineage] in airflow.cfg; the local Airflow sets it, see local_airflow.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from customer360.lineage import Kind, Node, Source
from customer360.orchestration.deployment import deployment, lineage
from customer360.project import Contract, TableName, TableSpec
from customer360.settings import Settings
from customer360.sources.bindings import TableBinding
from customer360.sources.connections import Connection

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import DatasetFacet, InputDatasetFacet
    from openlineage.client.generated.column_lineage_dataset import InputField, Transformation

    from customer360.quality import AuditReport

    Told: TypeAlias = OperatorLineage[Any, Any]

_COMPUTED = "computed in Python: which column goes where is not known"


def nothing() -> Told:
    """Of a step that failed, or moved no rows."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage()


def loaded(contract: Contract, binding: TableBinding, connection: Connection | None, rows: int) -> Told:
    """A source table went into its raw table, column by column as the binding says."""
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import column_lineage_dataset as facet

    namespace, name = _place(binding, connection, deployment().settings)
    fields = {}
    for column in contract.source_columns:
        expression = binding.columns.get(column.name)
        names = sorted(expression.columns) if expression else [column.name]
        kind = Kind.IDENTITY if expression is None or expression.is_column else Kind.TRANSFORMATION
        inputs = [facet.InputField(namespace, name, each, [_transformation(kind)]) for each in names]
        if inputs:
            fields[column.name] = facet.Fields(inputFields=inputs)
    made = _output(contract.name, rows, {"columnLineage": facet.ColumnLineageDatasetFacet(fields=fields, dataset=[])})
    return OperatorLineage(inputs=[InputDataset(namespace, name)], outputs=[made])


def written(tables: Sequence[TableName], rows: int | None) -> Told:
    """Models' candidates were made from what they read: people read them once their layer is published."""
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.facet_v2 import sql_job

    models = [deployment().project.models[name] for name in tables]
    reads = dict.fromkeys(reference.name for model in models for reference in model.references)
    return OperatorLineage(
        inputs=[_input(name) for name in reads if name not in tables],
        outputs=[_output(name, rows, {"columnLineage": column_lineage(name)}) for name in tables],
        job_facets={"sql": sql_job.SQLJobFacet(query=models[0].sql, dialect="bigquery")} if models[0].sql else {},
    )


def audited(report: AuditReport | None) -> Told:
    """Candidates were looked at, and held or did not."""
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.facet_v2 import data_quality_assertions_dataset as facet

    assertions: defaultdict[TableName, list[facet.Assertion]] = defaultdict(list)
    for result in report.results if report else ():
        assertions[result.table].append(
            facet.Assertion(
                assertion=result.expectation,
                success=result.success,
                column=", ".join(result.columns) or None,
                severity="error" if result.severity == "critical" else "warn",
                description=result.description,
            )
        )
    return OperatorLineage(
        inputs=[
            _input(name, {"dataQualityAssertions": facet.DataQualityAssertionsDatasetFacet(assertions=found)})
            for name, found in assertions.items()
        ]
    )


def published(rows: Mapping[TableName, int]) -> Told:
    """These tables are what people read now. What they come from was said when they were written."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage(outputs=[_output(name, count, {}) for name, count in rows.items()])


def column_lineage(name: TableName) -> DatasetFacet:
    """The facet of a model's table: its columns' sources, and what decides its rows."""
    from openlineage.client.facet_v2 import column_lineage_dataset as facet

    found = lineage()
    traced = found.trace(str(name))
    if found.computed_by(str(name)):
        parts = [part.node for source in traced.rows for part in found.sources(source.node) if part.node.is_column]
        how = facet.Transformation(type="INDIRECT", description=_COMPUTED)
        decides = [facet.InputField(*_address(part), part.column, [how]) for part in sorted(parts)]
        return facet.ColumnLineageDatasetFacet(fields={}, dataset=decides)
    columns = {column: _inputs(value.sources) for column, value in traced.columns.items()}
    return facet.ColumnLineageDatasetFacet(
        fields={column: facet.Fields(inputFields=inputs) for column, inputs in columns.items() if inputs},
        dataset=_inputs(traced.rows),
    )


def _inputs(sources: Iterable[Source]) -> list[InputField]:
    """The columns among sources; parameters and counts of rows are none."""
    from openlineage.client.facet_v2 import column_lineage_dataset as facet

    kinds: defaultdict[Node, list[Kind]] = defaultdict(list)
    for source in sorted(sources):
        if source.node.is_column:
            kinds[source.node].append(source.kind)
    return [
        facet.InputField(*_address(node), node.column, [_transformation(kind) for kind in found])
        for node, found in kinds.items()
    ]


def _transformation(kind: Kind) -> Transformation:
    from openlineage.client.facet_v2 import column_lineage_dataset as facet

    # An UNNEST reads rows out of a column.
    subtype = Kind.JOIN if kind is Kind.READ else kind
    return facet.Transformation(type="DIRECT" if kind.is_direct else "INDIRECT", subtype=str(subtype), masking=False)


def _input(name: TableName, facets: Mapping[str, InputDatasetFacet] | None = None) -> InputDataset:
    from openlineage.client.event_v2 import InputDataset

    spec = deployment().project.spec(name)
    return InputDataset(*_address_of(name), facets={"schema": _schema(spec)}, inputFacets=dict(facets or {}))


def _output(name: TableName, rows: int | None, facets: Mapping[str, DatasetFacet]) -> OutputDataset:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import documentation_dataset, output_statistics_output_dataset, tags_dataset

    spec = deployment().project.spec(name)
    personal = [
        tags_dataset.TagsDatasetFacetFields(key="pii", value="true", source="model.yaml", field=column.name)
        for column in spec.columns
        if column.pii
    ]
    about: dict[str, DatasetFacet] = {
        "schema": _schema(spec),
        "documentation": documentation_dataset.DocumentationDatasetFacet(description=spec.description),
        **({"tags": tags_dataset.TagsDatasetFacet(tags=personal)} if personal else {}),
        **facets,
    }
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
    return OutputDataset(
        *_address_of(name), facets=about, outputFacets={} if rows is None else {"outputStatistics": statistics}
    )


def _schema(spec: TableSpec) -> DatasetFacet:
    from openlineage.client.facet_v2 import schema_dataset

    return schema_dataset.SchemaDatasetFacet(
        fields=[
            schema_dataset.SchemaDatasetFacetFields(name=column.name, type=column.type, description=column.description)
            for column in spec.columns
        ]
    )


def _address(node: Node) -> tuple[str, str]:
    return _address_of(TableName.parse(node.table))


def _address_of(name: TableName) -> tuple[str, str]:
    """Namespace and name of a table, as OpenLineage names them: BigQuery's, or the lake's folder and the table."""
    settings = deployment().settings
    if settings.warehouse == "bigquery":
        return "bigquery", ".".join(filter(None, (settings.google_project, str(name))))
    return f"ducklake://{settings.lake}", str(name)


def _place(binding: TableBinding, connection: Connection | None, settings: Settings) -> tuple[str, str]:
    """Namespace and name of a source: never who reads it."""
    if connection is None:
        files = settings.expand(binding.files)
        bucket, _, key = files.removeprefix("gs://").partition("/")
        return (f"gs://{bucket}", key) if files.startswith("gs://") else ("file", files)
    if connection.kind == "sqlite":
        return f"sqlite://{connection.database}", binding.relation
    if connection.kind == "mysql":
        relation = binding.relation if "." in binding.relation else f"{connection.database}.{binding.relation}"
        return f"mysql://{connection.host}:{connection.port or 3306}", relation
    return f"postgres://{connection.host}:{connection.port or 5432}", f"{connection.database}.{binding.relation}"
