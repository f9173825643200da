//! Paths of the API that are made of what somebody has typed.

/// A text as one segment of a path; it cannot leave it.
pub(crate) fn segment(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'~');
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_within_its_segment() {
        assert_eq!(segment("est_1"), "est_1");
        assert_eq!(segment("../users?x=#"), "%2E%2E%2Fusers%3Fx%3D%23");
        assert_eq!(segment("auth0|1"), "auth0%7C1");
    }
}
