resource "google_composer_environment" "airflow" {
  count  = var.composer ? 1 : 0
  name   = "customer360"
  region = var.region
  labels = local.labels

  config {
    software_config {
      image_version = var.composer_image
      env_variables = {
        C360_WAREHOUSE       = "bigquery"
        C360_GOOGLE_PROJECT  = var.project
        C360_GOOGLE_LOCATION = var.location
        C360_LANDING         = "gs://${google_storage_bucket.landing.name}"
      }
    }

    node_config {
      service_account = google_service_account.pipeline.email
    }
  }
}
