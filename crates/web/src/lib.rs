//! Inbound HTTP of Headwater: tokens, the Management API, health.
