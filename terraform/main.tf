# What a deployment on Google Cloud needs around the tables: datasets, the landing bucket, a service account with the
# least it can do its work with, a budget, and (optionally) Cloud Composer. Tables are made by the pipeline from
# sql/**/model.yaml, never here.

terraform {
  required_version = ">= 1.6"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

locals {
  datasets = merge(
    { for system in var.source_systems : "raw_${system}" => "What arrived from ${system}, one partition per logical date." },
    {
      quarantine = "Rows and cells refused on loading, with the reason."
      staging    = "Source tables renamed, typed, deduplicated."
      identity   = "Which source customers are one person."
      core       = "Facts, and roll-ups per source customer and day."
      marts      = "customer_360 and what people query."
      dashboards = "Aggregates for BI tools."
      ops        = "Loads, jobs and their cost, data quality, what is published."
    },
  )
  labels = { product = "customer360", environment = var.environment }
}

resource "google_bigquery_dataset" "layer" {
  for_each    = local.datasets
  dataset_id  = each.key
  description = each.value
  location    = var.location
  labels      = local.labels
}

resource "google_storage_bucket" "landing" {
  name                        = "${var.project}-c360-landing"
  location                    = var.location
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  lifecycle_rule {
    condition {
      age = var.landing_days
    }
    action {
      type = "Delete"
    }
  }
}

resource "google_service_account" "pipeline" {
  account_id   = "c360-pipeline"
  display_name = "Customer 360 pipeline"
}

resource "google_project_iam_member" "pipeline_jobs" {
  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.pipeline.member
}

resource "google_bigquery_dataset_iam_member" "pipeline_data" {
  for_each   = google_bigquery_dataset.layer
  dataset_id = each.value.dataset_id
  # Putting a column under a policy tag takes bigquery.tables.setCategory, which only an owner has.
  role   = length(var.pii_readers) > 0 ? "roles/bigquery.dataOwner" : "roles/bigquery.dataEditor"
  member = google_service_account.pipeline.member
}

resource "google_storage_bucket_iam_member" "pipeline_landing" {
  bucket = google_storage_bucket.landing.name
  role   = "roles/storage.objectAdmin"
  member = google_service_account.pipeline.member
}

# Dashboards and analysts read what is published, never raw or quarantine.
resource "google_bigquery_dataset_iam_member" "readers" {
  for_each   = { for pair in setproduct(["marts", "dashboards"], var.readers) : join(" ", pair) => pair }
  dataset_id = google_bigquery_dataset.layer[each.value[0]].dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = each.value[1]
}
