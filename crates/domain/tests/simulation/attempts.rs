//! Attempts that end.

use domain::delivery::{Next, Outcome, Phase, next_step};

use super::Checked;
use super::coverage::Reached;
use super::ledger::Flight;
use super::store::StreamKey;
use super::world::{World, flights};

impl World {
    /// An attempt of a stream ends.
    pub(crate) fn end_attempt(&mut self, key: StreamKey, flight: Flight, outcome: Outcome) -> Checked {
        let Some(running) = self.shell.streams.get_mut(&key) else { return Ok(()) };
        let before = running.core.phase();
        let outstanding = running.core.health().outstanding;
        let parked = running.core.parked();
        running.core.attempt_ended(self.now, flight.ticket, outcome.clone());
        running.touched = true;
        let (after, parked) = (running.core.phase(), running.core.parked() > parked);
        match &outcome {
            Outcome::Delivered { .. } => {
                self.succeeded(key, flight)?;
                if after != before {
                    return Err(format!("stream {key}: a success has disabled it"));
                }
            }
            Outcome::FilteredOut => {
                self.filtered_out(key, flight)?;
                if after != before {
                    return Err(format!("stream {key}: an event that did not pass has disabled it"));
                }
            }
            Outcome::Failed(failure) => {
                let policy = self.shell.streams[&key].policy();
                let last = next_step(policy, flight.seq, flight.attempt, failure) == Next::GiveUp;
                self.failed(key, flight, last, (before, after), outstanding)?;
                if parked {
                    self.coverage.reached(Reached::ParkedEvents);
                }
            }
        }
        self.note(|| format!("stream {key}: {} ended: {}", flights(&[flight]), told(&outcome)));
        self.check_health(key)?;
        self.check_bounds(key)
    }

    fn succeeded(&mut self, key: StreamKey, flight: Flight) -> Checked {
        let Some(ledger) = self.ledgers.get_mut(&key) else { return Ok(()) };
        let failed = ledger.counted().1;
        let out_of_turn = ledger.is_out_of_turn(&flight);
        let repeat = ledger.delivered(flight.ticket).map_err(|why| format!("stream {key}: {why}"))?;
        let recovered = ledger.counted().1 < failed;
        self.coverage.reached(if repeat { Reached::Repeat } else { Reached::Success });
        match (flight.forgotten, flight.redelivery) {
            (true, _) => self.coverage.reached(Reached::ForgottenEnded),
            (false, true) if out_of_turn => self.coverage.reached(Reached::TurnDelivered),
            (false, true) => self.coverage.reached(Reached::RedeliveryRecovered),
            (false, false) if recovered => self.coverage.reached(Reached::MoveRecovered),
            (false, false) => {}
        }
        Ok(())
    }

    fn filtered_out(&mut self, key: StreamKey, flight: Flight) -> Checked {
        let Some(ledger) = self.ledgers.get_mut(&key) else { return Ok(()) };
        ledger.filtered_out(flight.ticket).map_err(|why| format!("stream {key}: {why}"))?;
        self.coverage.reached(Reached::FilteredOut);
        Ok(())
    }

    fn failed(
        &mut self,
        key: StreamKey,
        flight: Flight,
        last: bool,
        (before, after): (Phase, Phase),
        outstanding: u32,
    ) -> Checked {
        let (Some(running), Some(ledger)) = (self.shell.streams.get(&key), self.ledgers.get_mut(&key)) else {
            return Ok(());
        };
        let named = |why: String| format!("stream {key}: {why}");
        let out_of_turn = ledger.is_out_of_turn(&flight);
        let ended = ledger.failed(flight.ticket, last, before == Phase::Enabled).map_err(named)?;
        let (in_row, many) = ledger.too_many(running.policy(), outstanding + u32::from(ended.new));
        let disabled = before == Phase::Enabled && after == Phase::Disabled;
        if before == Phase::Enabled && !flight.forgotten && disabled != (in_row || many) {
            return Err(named(format!(
                "disabled by the core: {disabled}; failures in a row at the limit: {in_row}, outstanding: {many}"
            )));
        }
        if flight.forgotten && after != before {
            return Err(named(String::from("an answer that counts for nothing has disabled it")));
        }
        if disabled {
            ledger.trip();
        } else if after == Phase::Disabled {
            ledger.set_aside(&running.core.position());
        }
        match (ended.last, flight.redelivery) {
            (true, true) if out_of_turn => self.coverage.reached(Reached::TurnFailed),
            (true, true) => self.coverage.reached(Reached::RedeliveryFailed),
            (true, false) => self.coverage.reached(Reached::FinalFailure),
            (false, _) => {}
        }
        if ended.again {
            self.coverage.reached(Reached::MoveFailedAgain);
        }
        Ok(())
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered { .. } => String::from("delivered"),
        Outcome::FilteredOut => String::from("filtered out"),
        Outcome::Failed(failure) => format!("{:?}", failure.kind),
    }
}
