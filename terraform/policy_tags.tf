# Columns that model.yaml marks `pii: true` are put under this policy tag: whoever may read a table and not the tag gets an
# error that names the columns. Created only where somebody is named to read them.

resource "google_data_catalog_taxonomy" "privacy" {
  count                  = length(var.pii_readers) > 0 ? 1 : 0
  region                 = lower(var.location)
  display_name           = "customer360"
  description            = "Who may read personal columns of Customer 360."
  activated_policy_types = ["FINE_GRAINED_ACCESS_CONTROL"]
}

resource "google_data_catalog_policy_tag" "personal" {
  count        = length(google_data_catalog_taxonomy.privacy)
  taxonomy     = google_data_catalog_taxonomy.privacy[0].id
  display_name = "personal"
  description  = "Says something about one person: names, addresses, identifiers."
}

resource "google_data_catalog_policy_tag_iam_member" "people" {
  for_each   = toset(var.pii_readers)
  policy_tag = google_data_catalog_policy_tag.personal[0].name
  role       = "roles/datacatalog.categoryFineGrainedReader"
  member     = each.value
}

# The pipeline reads what it builds, and its expectations look at every column.
resource "google_data_catalog_policy_tag_iam_member" "pipeline" {
  count      = length(google_data_catalog_policy_tag.personal)
  policy_tag = google_data_catalog_policy_tag.personal[0].name
  role       = "roles/datacatalog.categoryFineGrainedReader"
  member     = google_service_account.pipeline.member
}

output "policy_tag" {
  description = "Value of C360_GOOGLE_POLICY_TAG."
  value       = one(google_data_catalog_policy_tag.personal[*].name)
}
