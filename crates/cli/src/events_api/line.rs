//! What lines about events have in common.

use domain::clock::Timestamp;
use jiff::tz::TimeZone;

use crate::palette::Style;
use crate::session::Session;

/// The time of day now, where the person at the terminal is.
pub(crate) fn time_of_day(session: &Session) -> String {
    let surroundings = session.surroundings();
    local(surroundings.clock.now().wall, surroundings.time_zone.clone())
}

fn local(instant: Timestamp, zone: TimeZone) -> String {
    let instant = jiff::Timestamp::from_millisecond(instant.as_millis()).unwrap_or_default();
    instant.to_zoned(zone).strftime("%H:%M:%S").to_string()
}

/// How a type stands out: by what has become of the thing.
pub(crate) fn style_of(event_type: &str) -> Option<Style> {
    match event_type.rsplit('.').next()? {
        "created" | "added" | "assigned" => Some(Style::Good),
        "updated" => Some(Style::Changed),
        "deleted" | "removed" => Some(Style::Bad),
        _ => None,
    }
}

/// An offset, as much of it as is needed to tell it from others: its first eight characters and its last four.
pub(crate) fn short(offset: &str) -> String {
    match (offset.get(..8), offset.len().checked_sub(4).and_then(|from| offset.get(from..))) {
        (Some(first), Some(last)) if offset.len() > 13 => format!("{first}…{last}"),
        _ => offset.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_when_what_and_where() {
        let instant = Timestamp::parse("2026-01-16T23:50:33Z").unwrap();
        let east = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(local(instant, east), "01:50:33");
        assert_eq!(style_of("organization.member.role.assigned"), Some(Style::Good));
        assert_eq!(style_of("organization.connection.removed"), Some(Style::Bad));
        assert_eq!((style_of("user.updated"), style_of("headwater.stream.failing")), (Some(Style::Changed), None));
        assert_eq!(
            (short("AiJto1sXYf86MtGcnHj6zbE"), short("AAAAAAAAAAE")),
            ("AiJto1sX…6zbE".into(), "AAAAAAAAAAE".into())
        );
    }
}
