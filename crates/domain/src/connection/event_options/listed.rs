//! The options that events say, strategy by strategy, each with its form.

use self::Form::{Flag, Object, Open, Text, Texts, Word, Words};
use crate::connection::Strategy;

/// The form of a member.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Text,
    Flag,
    Texts,
    /// One of these.
    Word(&'static [&'static str]),
    /// Several of these.
    Words(&'static [&'static str]),
    /// An object with these members.
    Object(&'static [Member]),
    /// An object with any members.
    Open,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) required: bool,
}

const fn optional(name: &'static str, form: Form) -> Member {
    Member { name, form, required: false }
}

const fn required(name: &'static str, form: Form) -> Member {
    Member { name, form, required: true }
}

/// The lists of a strategy's options; none for a strategy that raises no events.
pub(super) fn lists_of(strategy: Strategy) -> Option<&'static [&'static [Member]]> {
    Some(match strategy.name() {
        "oidc" => &[SHARED, OPENID, OIDC],
        "okta" => &[SHARED, OPENID, OKTA],
        "samlp" => &[SHARED, SAML, SAMLP],
        "pingfederate" => &[SHARED, SAML, PINGFEDERATE],
        "adfs" => &[SHARED, ADFS],
        "ad" => &[SHARED, AD],
        "google-apps" => &[SHARED, GOOGLE_APPS],
        "waad" => &[SHARED, WAAD],
        _ => return None,
    })
}

/// Of every strategy.
const SHARED: &[Member] = &[
    optional("domain_aliases", Texts),
    optional("icon_url", Text),
    optional("non_persistent_attrs", Texts),
    optional("set_user_root_attributes", Word(&["on_each_login", "on_first_login", "never_on_login"])),
    optional("tenant_domain", Text),
    optional("upstream_params", Open),
];

/// Of the strategies that speak OpenID Connect to any provider.
const OPENID: &[Member] = &[
    optional("authorization_endpoint", Text),
    required("client_id", Text),
    optional("connection_settings", Object(CONNECTION_SETTINGS)),
    optional("dpop_signing_alg", Word(&["ES256", "ES384", "ES512", "Ed25519"])),
    optional("federated_connections_access_tokens", Object(FEDERATED_CONNECTIONS_ACCESS_TOKENS)),
    optional("id_token_session_expiry_supported", Flag),
    optional("id_token_signed_response_algs", Words(&["ES256", "ES384", "PS256", "PS384", "RS256", "RS384", "RS512"])),
    optional("issuer", Text),
    optional("jwks_uri", Text),
    optional("oidc_metadata", Object(OIDC_METADATA)),
    optional("schema_version", Word(&["openid-1.0.0", "oidc-v4"])),
    optional("scope", Text),
    optional("send_back_channel_nonce", Flag),
    optional("token_endpoint", Text),
    optional("token_endpoint_auth_method", Word(&["client_secret_post", "private_key_jwt"])),
    optional("token_endpoint_auth_signing_alg", Word(&["ES256", "ES384", "PS256", "PS384", "RS256", "RS384", "RS512"])),
    optional("token_endpoint_jwtca_aud_format", Word(&["issuer", "token_endpoint"])),
    optional("useOauthSpecScope", Flag),
    optional("userinfo_endpoint", Text),
];

/// Of the strategies that speak SAML.
const SAML: &[Member] = &[
    optional("assertion_decryption_settings", Object(ASSERTION_DECRYPTION_SETTINGS)),
    optional("cert", Text),
    optional("cert_rollover_notification", Text),
    optional("digestAlgorithm", Word(&["sha1", "sha256"])),
    optional("entityId", Text),
    optional("expires", Text),
    optional("idpinitiated", Object(IDPINITIATED)),
    optional(
        "protocolBinding",
        Word(&["urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"]),
    ),
    optional("signatureAlgorithm", Word(&["rsa-sha1", "rsa-sha256"])),
    optional("signInEndpoint", Text),
    optional("signingCert", Text),
    optional("signSAMLRequest", Flag),
    optional("subject", Open),
    optional("thumbprints", Texts),
];

/// Of `oidc` only.
const OIDC: &[Member] = &[
    optional("attribute_map", Object(ATTRIBUTE_MAP)),
    optional("discovery_url", Text),
    optional("type", Word(&["back_channel", "front_channel"])),
];

/// Of `okta` only.
const OKTA: &[Member] = &[
    optional("attribute_map", Object(ATTRIBUTE_MAP_OF_OKTA)),
    optional("domain", Text),
    optional("type", Word(&["back_channel"])),
];

/// Of `samlp` only.
const SAMLP: &[Member] = &[
    optional("debug", Flag),
    optional("deflate", Flag),
    optional("destinationUrl", Text),
    optional("disableFieldsMapFix", Flag),
    optional("disableSignout", Flag),
    optional("discovery_url", Text),
    optional("fieldsMap", Open),
    optional("fieldsMapJsonRaw", Text),
    optional("global_token_revocation_jwt_iss", Text),
    optional("global_token_revocation_jwt_sub", Text),
    optional("metadataUrl", Text),
    optional("oidc_metadata", Object(OIDC_METADATA)),
    optional("recipientUrl", Text),
    optional("requestTemplate", Text),
    optional("signOutEndpoint", Text),
    optional("user_id_attribute", Text),
];

/// Of `pingfederate` only.
const PINGFEDERATE: &[Member] = &[required("pingFederateBaseUrl", Text)];

/// Of `adfs` only.
const ADFS: &[Member] = &[
    optional("adfs_server", Text),
    optional("cert_rollover_notification", Text),
    optional("entityId", Text),
    optional("fedMetadataXml", Text),
    optional("prev_thumbprints", Texts),
    optional(
        "should_trust_email_verified_connection",
        Word(&["never_set_emails_as_verified", "always_set_emails_as_verified"]),
    ),
    optional("signInEndpoint", Text),
    optional("thumbprints", Texts),
    optional("user_id_attribute", Text),
];

/// Of `ad` only.
const AD: &[Member] = &[
    optional("agentIP", Text),
    optional("agentMode", Flag),
    optional("agentVersion", Text),
    optional("brute_force_protection", Flag),
    optional("certAuth", Flag),
    optional("certs", Texts),
    optional("disable_cache", Flag),
    optional("disable_self_service_change_password", Flag),
    optional("ips", Texts),
    optional("kerberos", Flag),
    optional("kerberos_only", Flag),
    optional("signInEndpoint", Text),
    optional("thumbprints", Texts),
];

/// Of `google-apps` only.
const GOOGLE_APPS: &[Member] = &[
    optional("admin_access_token_expiresin", Text),
    optional("allow_setting_login_scopes", Flag),
    optional("api_enable_groups", Flag),
    optional("api_enable_users", Flag),
    required("client_id", Text),
    optional("domain", Text),
    optional("email", Flag),
    optional("ext_agreed_terms", Flag),
    optional("ext_groups", Flag),
    optional("ext_groups_extended", Flag),
    optional("ext_is_admin", Flag),
    optional("ext_is_suspended", Flag),
    optional("federated_connections_access_tokens", Object(FEDERATED_CONNECTIONS_ACCESS_TOKENS)),
    optional("handle_login_from_social", Flag),
    optional("map_user_id_to_id", Flag),
    optional("profile", Flag),
    optional("scope", Texts),
];

/// Of `waad` only.
const WAAD: &[Member] = &[
    optional("api_enable_users", Flag),
    optional("app_domain", Text),
    optional("app_id", Text),
    optional("basic_profile", Flag),
    optional("cert_rollover_notification", Text),
    required("client_id", Text),
    optional("domain", Text),
    optional("ext_groups", Flag),
    optional("ext_nested_groups", Flag),
    optional("ext_profile", Flag),
    optional("federated_connections_access_tokens", Object(FEDERATED_CONNECTIONS_ACCESS_TOKENS)),
    optional("granted", Flag),
    optional("identity_api", Word(&["microsoft-identity-platform-v2.0", "azure-active-directory-v1.0"])),
    optional("max_groups_to_retrieve", Text),
    optional("scope", Texts),
    optional(
        "should_trust_email_verified_connection",
        Word(&["never_set_emails_as_verified", "always_set_emails_as_verified"]),
    ),
    optional("tenantId", Text),
    optional("thumbprints", Texts),
    optional("use_wsfed", Flag),
    optional("useCommonEndpoint", Flag),
    optional("userid_attribute", Word(&["oid", "sub"])),
    optional("waad_protocol", Word(&["ws-federation", "openid-connect"])),
];

const CONNECTION_SETTINGS: &[Member] = &[optional("pkce", Word(&["auto", "S256", "plain", "disabled"]))];

const FEDERATED_CONNECTIONS_ACCESS_TOKENS: &[Member] = &[required("active", Flag)];

const OIDC_METADATA: &[Member] = &[
    optional("acr_values_supported", Texts),
    required("authorization_endpoint", Text),
    optional("claim_types_supported", Texts),
    optional("claims_locales_supported", Texts),
    optional("claims_parameter_supported", Flag),
    optional("claims_supported", Texts),
    optional("code_challenge_methods_supported", Texts),
    optional("display_values_supported", Texts),
    optional("dpop_signing_alg_values_supported", Texts),
    optional("end_session_endpoint", Text),
    optional("grant_types_supported", Texts),
    optional("id_token_encryption_alg_values_supported", Texts),
    optional("id_token_encryption_enc_values_supported", Texts),
    required("id_token_signing_alg_values_supported", Texts),
    required("issuer", Text),
    required("jwks_uri", Text),
    optional("op_policy_uri", Text),
    optional("op_tos_uri", Text),
    optional("registration_endpoint", Text),
    optional("request_object_encryption_alg_values_supported", Texts),
    optional("request_object_encryption_enc_values_supported", Texts),
    optional("request_object_signing_alg_values_supported", Texts),
    optional("request_parameter_supported", Flag),
    optional("request_uri_parameter_supported", Flag),
    optional("require_request_uri_registration", Flag),
    optional("response_modes_supported", Texts),
    optional("response_types_supported", Texts),
    optional("scopes_supported", Texts),
    optional("service_documentation", Text),
    optional("subject_types_supported", Texts),
    optional("token_endpoint", Text),
    optional("token_endpoint_auth_methods_supported", Texts),
    optional("token_endpoint_auth_signing_alg_values_supported", Texts),
    optional("ui_locales_supported", Texts),
    optional("userinfo_encryption_alg_values_supported", Texts),
    optional("userinfo_encryption_enc_values_supported", Texts),
    optional("userinfo_endpoint", Text),
    optional("userinfo_signing_alg_values_supported", Texts),
];

const ASSERTION_DECRYPTION_SETTINGS: &[Member] =
    &[optional("algorithm_exceptions", Texts), required("algorithm_profile", Word(&["v2026-1"]))];

const IDPINITIATED: &[Member] = &[
    optional("client_authorizequery", Text),
    optional("client_id", Text),
    optional("client_protocol", Word(&["oidc", "samlp", "wsfed"])),
    optional("enabled", Flag),
];

const ATTRIBUTE_MAP: &[Member] = &[
    optional("attributes", Open),
    optional("userinfo_scope", Text),
    optional("mapping_mode", Word(&["bind_all", "use_map"])),
];

const ATTRIBUTE_MAP_OF_OKTA: &[Member] = &[
    optional("attributes", Open),
    optional("userinfo_scope", Text),
    optional("mapping_mode", Word(&["basic_profile", "use_map"])),
];
