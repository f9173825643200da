# An event stream as the official provider keeps it. The provider reads AUTH0_DOMAIN, AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET.
terraform {
  required_providers {
    auth0 = { source = "auth0/auth0" }
  }
}

variable "name" {
  type    = string
  default = "terraform"
}

resource "auth0_event_stream" "users" {
  name             = var.name
  destination_type = "webhook"
  subscriptions    = ["user.created", "user.updated"]

  webhook_configuration {
    webhook_endpoint = "http://127.0.0.1:9/webhook"

    webhook_authorization {
      method = "bearer"
      token  = "a-secret"
    }
  }
}

output "id" {
  value = auth0_event_stream.users.id
}
