"""Registers the project with Airflow. Computes nothing: Airflow executes this file in every one of its processes."""

from airflow.plugins_manager import AirflowPlugin


class Customer360Plugin(AirflowPlugin):
    """The name under which Airflow lists this project."""

    name = "customer360"
