//! How far back: `90s`, `30m`, `1h`, `2d`.

use std::time::Duration;

/// Reads one.
///
/// # Errors
/// What was expected.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let expected = || format!("expected a number and one of s, m, h and d, such as 30m or 1h, found {text}");
    let unit = text.chars().next_back().ok_or_else(expected)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(expected()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| expected())?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

/// A span for people, in its two largest units.
pub(crate) fn shown(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("30m", 1800), ("1h", 3600), ("2d", 172_800)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "1", "h", "-1h", "1.5h", "1w", "5 m", "1é", "99999999999h"] {
            assert!(parse(text).unwrap_err().contains("expected"), "{text}");
        }
        let written = [7, 63, 3 * 3600 + 59, 2 * 86_400 + 5 * 3600].map(|seconds| shown(Duration::from_secs(seconds)));
        assert_eq!(written, ["7s", "1m 3s", "3h 0m", "2d 5h"]);
    }
}
