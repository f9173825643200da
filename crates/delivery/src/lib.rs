//! Outbound work of Headwater: the shell around the delivery core, and its destinations.
