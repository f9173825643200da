#!/bin/sh
# The official Terraform provider, unmodified, over HTTPS: create, plan without changes, update, destroy. PROVIDER names the folder
# of the built provider. Ends with 0 when everything was as it should be.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp main.tf "$work"
cd "$work"
cat > terraformrc <<END
provider_installation {
  dev_overrides { "auth0/auth0" = "$PROVIDER" }
  direct {}
}
END
export TF_CLI_CONFIG_FILE="$work/terraformrc" TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
export AUTH0_DOMAIN="$HEADWATER_DOMAIN" AUTH0_CLIENT_ID="$HEADWATER_CLIENT_ID" AUTH0_CLIENT_SECRET="$HEADWATER_CLIENT_SECRET"

terraform apply -auto-approve -input=false -no-color
terraform plan -detailed-exitcode -input=false -no-color
terraform apply -auto-approve -input=false -no-color -var name=terraform-renamed
terraform plan -detailed-exitcode -input=false -no-color -var name=terraform-renamed
terraform destroy -auto-approve -input=false -no-color -var name=terraform-renamed
echo "the Terraform provider created, kept, changed and destroyed an event stream"
