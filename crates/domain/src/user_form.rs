//! The forms that members of a user must have.

/// Whether a text looks like `local@domain`; only a message to it could tell more.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_plain = |part: &str| part.chars().all(|each| !each.is_control() && !each.is_whitespace());
    let is_dotted = |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let is_label = |label: &str| {
        let inner = label.chars().all(|each| each.is_alphanumeric() || each == '-');
        inner && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    (1..=64).contains(&local.len())
        && is_plain(local)
        && is_dotted(local)
        && !local.contains(['@', '<', '>', '(', ')', '[', ']', ',', ';', ':', '"', '\\'])
        && domain.split('.').all(is_label)
}

/// Whether a text is a username as the events' schema has it.
pub fn is_event_username(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-.!#$^`~@'".contains(&byte))
}

/// Whether a text is `+` and up to 15 digits.
pub fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (1..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// Whether a text is a URL that a browser would fetch.
pub fn is_uri(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&byte));
    is_plain && url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails() {
        for email in ["jane@example.com", "j.doe+tag@sub.example.com", "o'neil@localhost", "jürgen@müller.example"] {
            assert!(is_email(email), "{email}");
        }
        for email in
            ["", "jane", "@example.com", "jane@", "a b@example.com", "a@b@c", "a@-x.com", "a..b@x.com", "a@x..com"]
        {
            assert!(!is_email(email), "{email}");
        }
    }

    #[test]
    fn phones_pictures_and_usernames() {
        assert!(is_phone("+15555555555") && !is_phone("+") && !is_phone("15555") && !is_phone("+1555555555555555"));
        assert!(is_uri("https://example.com/a.png?x=1") && !is_uri("example.com") && !is_uri("javascript:alert(1)"));
        assert!(is_event_username("jane.doe+x@y") && !is_event_username("") && !is_event_username("jané"));
    }
}
