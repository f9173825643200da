//! The machine of a run: for the record, and whether others use it too.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

/// Other work that takes less of the machine than this does not matter.
const QUIET_PERCENT: f64 = 10.0;
/// How long the machine is watched at a time.
const WATCH: Duration = Duration::from_millis(300);
/// How long a row waits for other work to end.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How often something is measured before others' use of the machine is put up with.
const TRIES: usize = 3;

/// Waits, for a while, until nobody else uses the machine.
async fn wait_until_quiet() {
    let begun = Instant::now();
    while begun.elapsed() < WAIT_MAX {
        let before = MachineTime::read();
        tokio::time::sleep(WATCH).await;
        if MachineTime::read().since(before).busy_percent() < QUIET_PERCENT {
            return;
        }
    }
}

/// What was measured, and what disturbed it if it was disturbed each time.
pub(crate) struct Watched<T> {
    pub(crate) measured: T,
    pub(crate) disturbed: Option<String>,
}

/// Measures, and measures again a few times while others used the machine meanwhile. `own` are the processes of the
/// run that outlive the measurement.
pub(crate) async fn measure_quietly<T>(own: &[u32], mut measure: impl AsyncFnMut() -> Result<T>) -> Result<Watched<T>> {
    let mut tries = TRIES;
    loop {
        wait_until_quiet().await;
        let watch = Watch::begin(own);
        let measured = measure().await?;
        let disturbed = watch.disturbed();
        tries -= 1;
        match disturbed {
            Some(why) if tries > 0 => println!("  {why}: measured again"),
            disturbed => return Ok(Watched { measured, disturbed }),
        }
    }
}

/// Tells how much of the machine others took while something was measured.
struct Watch {
    machine: MachineTime,
    own: u64,
    processes: Vec<u32>,
}

impl Watch {
    fn begin(own: &[u32]) -> Self {
        Self { machine: MachineTime::read(), own: own_ticks(own), processes: own.to_vec() }
    }

    /// In percent; servers that are not among the processes must have ended.
    fn others_percent(&self) -> f64 {
        let machine = MachineTime::read().since(self.machine);
        let own = own_ticks(&self.processes).saturating_sub(self.own);
        MachineTime { busy: machine.busy.saturating_sub(own), ..machine }.busy_percent()
    }

    /// Whether others took so much that what was measured is worth nothing.
    fn disturbed(&self) -> Option<String> {
        let percent = self.others_percent();
        (percent > QUIET_PERCENT).then(|| format!("other work took {percent:.0} % of the machine"))
    }
}

/// The processor time of this process, of its children that have ended, and of these that have not, in ticks.
fn own_ticks(processes: &[u32]) -> u64 {
    let ticks = |pid: &str, fields: usize| -> u64 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        after_name.skip(11).take(fields).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
    };
    ticks("self", 4) + processes.iter().map(|process| ticks(&process.to_string(), 2)).sum::<u64>()
}

/// The machine's processor time, in ticks.
#[derive(Clone, Copy, Default)]
struct MachineTime {
    all: u64,
    /// In programs and for them, or taken by other machines on the same hardware.
    busy: u64,
}

impl MachineTime {
    fn read() -> Self {
        Self::parse(&fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    fn parse(stat: &str) -> Self {
        let line = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).unwrap_or_default();
        // user, nice, system, idle, waiting for the disk, interrupts (2), steal; guests are in user already.
        let times: Vec<u64> = line.split_whitespace().take(8).filter_map(|time| time.parse().ok()).collect();
        let busy = [0, 1, 2, 7].iter().filter_map(|at| times.get(*at)).sum();
        Self { all: times.iter().sum(), busy }
    }

    fn since(self, before: Self) -> Self {
        Self { all: self.all.saturating_sub(before.all), busy: self.busy.saturating_sub(before.busy) }
    }

    #[expect(clippy::cast_precision_loss, reason = "a number of ticks is far below 2^52")]
    fn busy_percent(self) -> f64 {
        100.0 * self.busy as f64 / self.all.max(1) as f64
    }
}

/// What figures depend on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cpus: usize,
    cpu: String,
    kernel: String,
    memory_kib: Option<u64>,
}

impl Machine {
    pub(crate) fn read() -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next());
        Self {
            cpus,
            cpu: model.map_or_else(String::new, |(_, model)| model.to_owned()),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            memory_kib: memory.and_then(|text| text.parse().ok()),
        }
    }

    /// As people say it.
    pub(crate) fn in_words(&self) -> String {
        let memory = self.memory_kib.map_or_else(String::new, |kib| format!(", {} GiB of memory", kib >> 20));
        format!("{} cores{memory}", self.cpus)
    }

    /// In one line.
    pub(crate) fn describe(&self) -> String {
        format!("{} × {}, Linux {}", self.cpus, self.cpu, self.kernel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_busy_the_machine_is() {
        let before = MachineTime::parse("cpu  100 0 50 1000 50 0 0 0 7 0\ncpu0 1 2 3 4 5 6 7 8");
        let after = MachineTime::parse("cpu  130 0 60 1050 60 0 0 0 9 0\n");
        assert!((after.since(before).busy_percent() - 40.0).abs() < 1e-9);
    }

    #[test]
    fn a_process_knows_its_own_share() {
        let watch = Watch::begin(&[std::process::id()]);
        assert!((0.0..=100.0).contains(&watch.others_percent()));
    }
}
