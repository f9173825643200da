//! What has to hold after a step, after a checkpoint, and at the end.

use domain::delivery::Phase;

use super::Checked;
use super::coverage::Reached;
use super::store::StreamKey;
use super::world::World;

impl World {
    /// A crash at this moment would lose nothing.
    pub(crate) fn audit(&self) -> Checked {
        for (key, stored) in &self.store.streams {
            let Some(ledger) = self.ledgers.get(key) else { continue };
            ledger.audit(stored, self.store.head).map_err(|why| format!("stream {key}: {why}"))?;
        }
        Ok(())
    }

    pub(crate) fn check_health(&self, key: StreamKey) -> Checked {
        let (core, ledger) = (&self.shell.streams[&key].core, &self.ledgers[&key]);
        let (in_row, failed) = ledger.counted();
        let health = core.health();
        if failed.is_some_and(|failed| failed != health.outstanding as usize) {
            return Err(format!("stream {key}: {health:?}, but {failed:?} deliveries have failed"));
        }
        if core.phase() == Phase::Enabled && health.in_row != in_row {
            return Err(format!("stream {key}: {health:?}, but {in_row} have failed in a row"));
        }
        Ok(())
    }

    pub(crate) fn check_bounds(&mut self, key: StreamKey) -> Checked {
        let Some(running) = self.shell.streams.get_mut(&key) else { return Ok(()) };
        let limits = running.policy().limits;
        let flying = self.ledgers[&key].in_flight().len();
        // With a lower limit, what is in flight ends, and no more is sent before it fits.
        let most = limits.in_flight_max.max(running.in_flight_before);
        running.in_flight_before = running.in_flight_before.min(flying);
        let core = &running.core;
        if core.in_flight() != flying || flying > most {
            return Err(format!("stream {key}: {flying} in flight, {} by its own count", core.in_flight()));
        }
        if core.held() > limits.window_events_max + limits.redeliveries_max {
            return Err(format!("stream {key}: {} events in memory", core.held()));
        }
        // The last event to be parked may take everything behind it in the window along.
        if core.parked() > limits.parked_max + limits.window_events_max {
            return Err(format!("stream {key}: {} events parked", core.parked()));
        }
        if flying == limits.in_flight_max {
            self.coverage.reached(Reached::InFlightAtLimit);
        }
        if core.parked() >= limits.parked_max {
            self.coverage.reached(Reached::FullByParked);
        } else if core.phase() == Phase::Enabled && core.room() == 0 && core.held() < limits.window_events_max {
            self.coverage.reached(Reached::FullByUnsaved);
        }
        Ok(())
    }

    /// Everything has arrived or stands as a failed delivery, and nothing is left over.
    pub(crate) fn check_end(&mut self) -> Checked {
        for (key, stored) in &self.store.streams {
            let ledger = &self.ledgers[key];
            let enabled = stored.is_enabled();
            self.coverage.reached(if enabled { Reached::EndedEnabled } else { Reached::EndedDisabled });
            if enabled {
                ledger.settled().map_err(|why| format!("stream {key}: {why}"))?;
            }
            if enabled && !(stored.parked.is_empty() && stored.position.open.is_empty()) {
                return Err(format!("stream {key}: the store holds open {:?}", stored.position.open));
            }
            if let Some(telling) = self.tellings.get(key).filter(|_| enabled) {
                telling.is_complete().map_err(|why| format!("stream {key}: {why}"))?;
            }
        }
        self.audit()
    }
}
