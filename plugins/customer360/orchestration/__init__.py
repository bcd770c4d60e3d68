"""Airflow: connections, operators, the daily Dag, and a local Airflow that runs it."""
