variable "project" {
  description = "Google Cloud project id."
  type        = string
}

variable "region" {
  description = "Region of regional resources."
  type        = string
  default     = "europe-west1"
}

variable "location" {
  description = "Location of datasets and bucket; jobs run there. Must equal C360_GOOGLE_LOCATION."
  type        = string
  default     = "EU"
}

variable "environment" {
  description = "Label on everything: production, staging …"
  type        = string
  default     = "production"
}

variable "source_systems" {
  description = "Source systems with bindings; each gets a dataset raw_<system>."
  type        = list(string)
  default     = ["crm", "commerce", "support", "marketing", "web", "finance", "loyalty", "identity", "privacy", "traits"]
}

variable "readers" {
  description = "IAM members that may read marts and dashboards, such as group:analysts@example.com."
  type        = list(string)
  default     = []
}

variable "landing_days" {
  description = "Days until extracts in the landing bucket are deleted."
  type        = number
  default     = 30
}

variable "billing_account" {
  description = "Billing account for the budget; empty for none."
  type        = string
  default     = ""
}

variable "monthly_budget" {
  description = "Monthly budget in whole units of the billing account's currency."
  type        = number
  default     = 500
}

variable "composer" {
  description = "Whether to create a Cloud Composer environment for Airflow."
  type        = bool
  default     = false
}

variable "composer_image" {
  description = "Composer image with Airflow 3; pick one from Google's list of versions."
  type        = string
  default     = "composer-3-airflow-3"
}

variable "pii_readers" {
  description = "IAM members that may read personal columns; empty for no policy tags at all."
  type        = list(string)
  default     = []
}
