//! Destinations of type `eventbridge`: an account and a region come in, and the name of the partner event source, which
//! the server makes, goes out with them.

use domain::destination::{AwsAccountId, AwsRegion, EventBridge, PartnerEventSource};
use serde::Serialize;

use crate::wire::reader::{Field, Invalid, ObjectReader, Text};

const ACCOUNT: Text = Text::new("aws_account_id", "AWS account that owns the event bus.")
    .pattern(r"^\d{12}$", |text| AwsAccountId::parse(text).is_some());
const REGION: Field = Field::new("aws_region", "AWS region of the event bus.");

/// An EventBridge destination as it is given.
#[derive(Clone, Debug)]
pub(crate) struct GivenEventBridge {
    account: AwsAccountId,
    region: AwsRegion,
}

impl GivenEventBridge {
    /// The destination, with the name that the server made for it.
    pub(super) fn with(self, partner_event_source: PartnerEventSource) -> EventBridge {
        EventBridge { account: self.account, region: self.region, partner_event_source }
    }
}

pub(super) fn read(mut configuration: ObjectReader) -> Result<GivenEventBridge, Invalid> {
    let account = configuration.text_required(&ACCOUNT)?;
    let account = AwsAccountId::parse(&account).expect("its pattern was checked");
    let region = configuration.word(REGION, AwsRegion::from_name)?.ok_or_else(|| configuration.missing(REGION))?;
    configuration.finish()?;
    Ok(GivenEventBridge { account, region })
}

/// An EventBridge configuration as it is answered; the members' order is the contract's.
#[derive(Serialize)]
pub(super) struct EventBridgeAnswer {
    aws_region: &'static str,
    aws_account_id: String,
    aws_partner_event_source: String,
}

impl From<EventBridge> for EventBridgeAnswer {
    fn from(bridge: EventBridge) -> Self {
        Self {
            aws_region: bridge.region.name(),
            aws_account_id: bridge.account.to_string(),
            aws_partner_event_source: bridge.partner_event_source.as_str().to_owned(),
        }
    }
}
