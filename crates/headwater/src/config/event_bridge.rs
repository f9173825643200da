//! How streams to AWS EventBridge are delivered.

use delivery::destinations::{EventBridgeMode, EventBridgeSettingError, EventBus, EventSource, RoleTemplate};
use domain::destination::PartnerName;

use super::layers::Layers;
use super::{ConfigError, optional, required, value};

/// The settings of EventBridge.
#[derive(Clone, Debug)]
pub(crate) struct EventBridge {
    pub(crate) mode: EventBridgeMode,
    /// The partner that the names of partner event sources are of.
    pub(crate) partner: PartnerName,
}

enum Mode {
    Bus,
    Partner,
}

pub(super) fn read(layers: &Layers) -> Result<EventBridge, ConfigError> {
    let bus = required(layers, "eventbridge_bus", |text| EventBus::parse(text).map_err(expected))?;
    let role = optional(layers, "eventbridge_role", |text| RoleTemplate::parse(text).map_err(expected))?;
    let source = required(layers, "eventbridge_source", |text| EventSource::parse(text).map_err(expected))?;
    let mode = match required(layers, "eventbridge_mode", mode)? {
        Mode::Bus => EventBridgeMode::Bus { bus, role, source },
        Mode::Partner => EventBridgeMode::Partner,
    };
    let partner = |text: &str| PartnerName::parse(text).ok_or_else(|| "a name such as auth0.com".to_owned());
    Ok(EventBridge { mode, partner: required(layers, "eventbridge_partner", partner)? })
}

fn mode(text: &str) -> Result<Mode, value::Expected> {
    match text {
        "bus" => Ok(Mode::Bus),
        "partner" => Ok(Mode::Partner),
        _ => Err("bus or partner".to_owned()),
    }
}

fn expected(error: EventBridgeSettingError) -> value::Expected {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;
    use crate::environment::Environment;

    fn load(variables: &[(&str, &str)]) -> Result<EventBridge, String> {
        let config = Config::load(None, &Environment::of(variables), &[]);
        config.map(|config| config.event_bridge).map_err(|error| error.to_string())
    }

    #[test]
    fn events_go_to_the_default_bus_unless_something_else_is_said() {
        let default = load(&[]).unwrap();
        assert_eq!(default.partner.as_str(), "auth0.com");
        let EventBridgeMode::Bus { bus, role, source } = default.mode else { panic!("a bus") };
        assert_eq!((bus, role, source.as_str()), (EventBus::parse("default").unwrap(), None, "headwater"));
        let partner = load(&[("HEADWATER_EVENTBRIDGE_MODE", "partner")]).unwrap();
        assert_eq!(partner.mode, EventBridgeMode::Partner);
    }

    #[test]
    fn what_aws_would_refuse_is_refused_at_the_start() {
        for (variable, text, expected) in [
            ("HEADWATER_EVENTBRIDGE_MODE", "buses", "bus or partner"),
            ("HEADWATER_EVENTBRIDGE_SOURCE", "aws.identity", "a source that does not begin with aws."),
            ("HEADWATER_EVENTBRIDGE_BUS", "a bus", "the name of an event bus"),
            ("HEADWATER_EVENTBRIDGE_ROLE", "events", "the ARN of a role such as arn:aws:iam::{account}:role/events"),
            ("HEADWATER_EVENTBRIDGE_PARTNER", "a/b", "a name such as auth0.com"),
        ] {
            let error = load(&[(variable, text)]).unwrap_err();
            assert!(error.starts_with(&format!("{variable}: expected {expected}")), "{error}");
            assert!(error.ends_with(&format!("found {text:?}")), "{error}");
        }
    }
}
