//! How numbers and durations are written: 1,061,940; 98.31 %; 184 ms; 4 min 12 s.

use std::time::Duration;

/// Between a number and its unit: they stay on one line.
const SPACE: char = '\u{a0}';

/// A number with its thousands set apart.
pub(crate) fn amount(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and what it counts: "1 user", "1,200 users".
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", amount(number), if number == 1 { one } else { many })
}

/// How much of `whole` a `part` is; nothing of nothing is a dash. What is not all is never rounded up to all.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let ten_thousandths = u128::from(part) * 10_000 / u128::from(whole);
    let (percent, rest) = (ten_thousandths / 100, ten_thousandths % 100);
    if rest == 0 { format!("{percent}{SPACE}%") } else { format!("{percent}.{rest:02}{SPACE}%") }
}

/// A duration: as many digits as one reads.
pub(crate) fn duration(span: Duration) -> String {
    let millis = span.as_millis();
    let seconds = span.as_secs();
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large}{SPACE}{large_unit}"),
        small => format!("{large}{SPACE}{large_unit} {small}{SPACE}{small_unit}"),
    };
    match seconds {
        0 if millis == 0 && span > Duration::ZERO => format!("<1{SPACE}ms"),
        0 => format!("{millis}{SPACE}ms"),
        1..60 => format!("{seconds}.{:02}{SPACE}s", millis % 1000 / 10),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// A number of bytes.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if number < 1024 {
        return format!("{number}{SPACE}B");
    }
    let (mut tenths, mut unit) = (number * 10 / 1024, 0);
    while tenths >= 10_240 && unit < UNITS.len() - 1 {
        (tenths, unit) = (tenths / 1024, unit + 1);
    }
    format!("{}.{}{SPACE}{}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace(SPACE, " ")
    }

    #[test]
    fn numbers_are_read_at_a_glance() {
        assert_eq!([0, 999, 1000, 1_061_940].map(amount), ["0", "999", "1,000", "1,061,940"]);
        assert_eq!([counted(1, "user", "users"), counted(0, "user", "users")], ["1 user", "0 users"]);
        assert_eq!(plain(&share(9831, 10_000)), "98.31 %");
        assert_eq!(
            [plain(&share(5, 5)), plain(&share(99_999_999, 100_000_000)), share(0, 0)],
            ["100 %", "99.99 %", "–"]
        );
        assert_eq!(
            [0, 1023, 1024, 1_572_864].map(|number| plain(&bytes(number))),
            ["0 B", "1023 B", "1.0 KB", "1.5 MB"]
        );
    }

    #[test]
    fn durations_have_the_digits_that_one_reads() {
        let written = |millis| plain(&duration(Duration::from_millis(millis)));
        assert_eq!([0, 184, 10_000, 1_020].map(written), ["0 ms", "184 ms", "10.00 s", "1.02 s"]);
        assert_eq!([252_000, 60_000, 7_500_000].map(written), ["4 min 12 s", "1 min", "2 h 5 min"]);
        assert_eq!(written(3 * 86_400_000 + 4 * 3_600_000), "3 d 4 h");
        assert_eq!(plain(&duration(Duration::from_micros(300))), "<1 ms");
    }
}
