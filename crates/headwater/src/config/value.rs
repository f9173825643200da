//! The texts of settings, read into types. Each error says what was expected.

use std::net::SocketAddr;
use std::time::Duration;

use domain::proxy::Proxy;
use ipnet::IpNet;

/// What was expected instead of what was found.
pub(super) type Expected = String;

/// `250ms`, `2s`, `5m`, `24h`, `7d`.
pub(super) fn duration(text: &str) -> Result<Duration, Expected> {
    let expected = || "a duration such as 250ms, 2s, 5m, 24h or 7d".to_owned();
    let digits = text.len() - text.trim_start_matches(|each: char| each.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(expected()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(expected)
}

/// A duration that is not zero.
pub(super) fn positive_duration(text: &str) -> Result<Duration, Expected> {
    match duration(text)? {
        Duration::ZERO => Err("a duration longer than nothing, such as 250ms or 2s".into()),
        longer => Ok(longer),
    }
}

/// How often a reader of the Events API hears of the server at least: clients take a longer silence for its end.
const HEARTBEAT_MAX: Duration = Duration::from_secs(30);

/// A duration up to that.
pub(super) fn heartbeat(text: &str) -> Result<Duration, Expected> {
    let given = positive_duration(text)?;
    if given <= HEARTBEAT_MAX { Ok(given) } else { Err("a duration of at most 30s, such as 15s".into()) }
}

/// `16KiB`, `2MiB`, `1GiB` or a number of bytes.
pub(super) fn bytes(text: &str) -> Result<usize, Expected> {
    let expected = || "a size such as 16KiB, 2MiB or a number of bytes".to_owned();
    let units = [("KiB", 1_usize << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1)];
    let found = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
    let (number, factor) = found.ok_or_else(expected)?;
    let number: usize = number.trim_end().parse().map_err(|_| expected())?;
    number.checked_mul(*factor).filter(|bytes| *bytes > 0).ok_or_else(expected)
}

/// A number above zero.
pub(super) fn count(text: &str) -> Result<u32, Expected> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a number above zero".into())
}

/// A percentage: `0` to `100`.
pub(super) fn percentage(text: &str) -> Result<u8, Expected> {
    text.parse().ok().filter(|number| *number <= 100).ok_or_else(|| "a percentage from 0 to 100".into())
}

/// `true` or `false`.
pub(super) fn flag(text: &str) -> Result<bool, Expected> {
    text.parse().map_err(|_| "true or false".into())
}

/// `http://proxy.example.com:3128`, with credentials where it wants some.
pub(super) fn proxy(text: &str) -> Result<Proxy, Expected> {
    Proxy::parse(text, None).map_err(|error| {
        let text = error.to_string();
        text.strip_prefix("Expected ").unwrap_or(&text).to_owned()
    })
}

/// `127.0.0.1:4400`, `[::]:4400`.
pub(super) fn address(text: &str) -> Result<SocketAddr, Expected> {
    text.parse().map_err(|_| "an address and a port such as 127.0.0.1:4400 or [::]:4400".into())
}

/// Networks with commas between them; a lone address is a network of one.
pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, Expected> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| part.parse::<IpNet>().or_else(|_| part.parse().map(|address: std::net::IpAddr| address.into())))
        .collect::<Result<_, _>>()
        .map_err(|_| "networks such as 10.0.0.0/8 or ::1, with commas between them".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        for text in ["", "5", "s", "-1s", "1.5s", "2 s", "99999999999999999999d", "9999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(positive_duration("0s").is_err());
    }

    #[test]
    fn percentages() {
        assert_eq!((percentage("0"), percentage("100")), (Ok(0), Ok(100)));
        for text in ["", "101", "-1", "5%", "0.5"] {
            assert!(percentage(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes("16KiB"), Ok(16 * 1024));
        assert_eq!(bytes("100"), Ok(100));
        for text in ["", "KiB", "-1", "16KB", "0", "0MiB", "99999999999999999999"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn networks_and_addresses() {
        let nets = networks("127.0.0.0/8, ::1").unwrap();
        assert_eq!(nets.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.0/8", "::1/128"]);
        assert_eq!(networks(""), Ok(Vec::new()));
        assert!(networks("10.0.0.0/33").is_err());
        assert!(networks("intranet").is_err());
        assert!(address("localhost").is_err());
    }
}
