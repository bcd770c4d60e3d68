"""Registers the project with Airflow. Computes nothing: Airflow executes this file in every one of its processes."""

from airflow.plugins_manager import AirflowPlugin

from customer360.orchestration.deadline import RunCreated


class Customer360Plugin(AirflowPlugin):
    """The name under which Airflow lists this project, and what it adds to Airflow."""

    name = "customer360"
    deadline_references = [RunCreated]  # noqa: RUF012 - as Airflow declares it
