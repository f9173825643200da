//! What has been told of a stream that keeps failing, in the transactions that saved it.

use domain::delivery::{Alert, AlertKind, AlertState, DisableReason, Policy, Progress};

use super::super::Checked;

/// What has been told of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct ToldAlerts {
    /// As it was saved.
    pub(crate) state: AlertState,
    /// The worst that was told since it was well the last time.
    worst: AlertState,
    /// How often each was told: failing, disabled, recovered.
    pub(crate) told: [u64; 3],
}

impl ToldAlerts {
    /// Saves what the core says of a stream that was enabled, or not, and is disabled by it, or not, and checks that nothing is told in vain, and that nothing counts as told that was not.
    pub(super) fn save(&mut self, progress: &Progress, disabled: bool, enabled: bool, policy: &Policy) -> Checked {
        let raised = &progress.alerts.raised;
        let said = raised.iter().filter(|alert| alert.kind == AlertKind::Disabled).count();
        if said != usize::from(progress.disable.is_some()) {
            return Err(format!("{raised:?} does not go with {:?}", progress.disable));
        }
        for alert in raised {
            self.one(alert, policy)?;
            let index = match alert.kind {
                AlertKind::Failing { .. } => 0,
                AlertKind::Disabled if !disabled => continue,
                AlertKind::Disabled => 1,
                AlertKind::Recovered => 2,
            };
            self.told[index] += 1;
        }
        self.state = progress.alerts.state;
        if self.state > self.worst {
            return Err(format!("{:?} counts as told, and the worst that was told is {:?}", self.state, self.worst));
        }
        let gone = percent(progress.health.in_row, policy.failures_in_row_max);
        if enabled && progress.disable.is_none() && gone >= 50 && self.state.threshold() < 50 {
            return Err(format!("{gone} percent of the way have been gone, and nothing was told"));
        }
        Ok(())
    }

    fn one(&mut self, alert: &Alert, policy: &Policy) -> Checked {
        let [in_row, outstanding] = [
            percent(alert.health.in_row, policy.failures_in_row_max),
            percent(alert.health.outstanding, policy.failures_outstanding_max),
        ];
        match alert.kind {
            AlertKind::Failing { threshold } => {
                let counter = match alert.reason {
                    Some(DisableReason::FailuresInRow) => in_row,
                    Some(DisableReason::FailuresOutstanding) => outstanding,
                    None => 0,
                };
                if counter < threshold.into() {
                    return Err(format!("{alert:?} is told in vain: {in_row} and {outstanding} percent"));
                }
                let told = AlertState::from_number(threshold).ok_or("no such threshold")?;
                self.worst = self.worst.max(told);
            }
            // Whatever is on the way to it need not be told any more.
            AlertKind::Disabled => self.worst = AlertState::Nearly,
            AlertKind::Recovered if self.worst == AlertState::Calm => {
                return Err("it is told that it is well again, and nothing else had been".into());
            }
            AlertKind::Recovered if alert.health.in_row > 0 || outstanding >= 50 => {
                return Err(format!("{alert:?} is told of one that is not well"));
            }
            AlertKind::Recovered => self.worst = AlertState::Calm,
        }
        Ok(())
    }
}

fn percent(count: u32, max: u32) -> u64 {
    u64::from(count) * 100 / u64::from(max)
}
