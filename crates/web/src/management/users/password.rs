//! Whether a password is good enough. It is looked at and dropped: Headwater signs nobody in.

use domain::secret::Secret;
use domain::user::UserProfile;

const CHARS_MIN: usize = 8;
/// How many different characters there must be.
const DIFFERENT_CHARS_MIN: usize = 4;

/// The most common passwords of at least [`CHARS_MIN`] characters and [`DIFFERENT_CHARS_MIN`] different ones.
const COMMON: &[&str] = &[
    "password",
    "password1",
    "password12",
    "password123",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "12345678",
    "123456789",
    "1234567890",
    "87654321",
    "987654321",
    "0123456789",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "zaq12wsx",
    "qwertyui",
    "qwertyuiop",
    "qwerty12",
    "qwerty123",
    "asdfghjk",
    "asdfghjkl",
    "zxcvbnm1",
    "abcd1234",
    "abc12345",
    "a1b2c3d4",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "trustno1",
    "welcome1",
    "welcome123",
    "letmein1",
    "letmein123",
    "administrator",
    "admin123",
    "changeme",
    "changeme123",
    "whatever",
    "starwars",
    "computer",
    "internet",
    "michelle",
    "jennifer",
    "11223344",
    "secret123",
];

/// Whether `password` is too weak for a user with this profile.
pub(super) fn is_too_weak(password: &Secret, profile: &UserProfile) -> bool {
    let password = password.expose().to_lowercase();
    let mut different: Vec<char> = password.chars().collect();
    let length = different.len();
    different.sort_unstable();
    different.dedup();
    length < CHARS_MIN
        || different.len() < DIFFERENT_CHARS_MIN
        || COMMON.contains(&password.as_str())
        || names(profile).any(|name| name.to_lowercase() == password)
}

/// What others know of the user.
fn names(profile: &UserProfile) -> impl Iterator<Item = &str> {
    let email = profile.email.as_deref();
    let local_part = email.and_then(|email| email.rsplit_once('@')).map(|(local, _)| local);
    [email, local_part, profile.username.as_deref(), profile.phone_number.as_deref()].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_ones_are_told_from_good_ones() {
        let profile = UserProfile {
            email: Some("jane.longname@example.com".into()),
            username: Some("janelongname".into()),
            ..UserProfile::default()
        };
        let weak = |text: &str| is_too_weak(&Secret::new(text), &profile);
        for text in
            ["", "short7!", "Password", "qwerty123", "aaaaaaaaaaaa", "abababababab", "Jane.LongName", "JANELONGNAME"]
        {
            assert!(weak(text), "{text}");
        }
        for text in ["I have a password and its a secret", "Tr0ub4dor", "größenwahn", "correct horse"] {
            assert!(!weak(text), "{text}");
        }
    }
}
