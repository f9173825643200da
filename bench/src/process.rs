//! What the kernel knows of a process (`/proc`).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// `/proc/PID/stat` counts processor time in these units; Linux shows the same to every program.
const TICKS_PER_SECOND: f64 = 100.0;
/// `/sys/dev/block/…/stat` counts in these, whatever the disk's own are.
const SECTOR_BYTES: u64 = 512;

/// What a process has used since it started.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Used {
    pub(crate) cpu_s: f64,
    /// Bytes that it caused to be written to the disk.
    pub(crate) written: u64,
}

impl Used {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let stat = read(&format!("/proc/{pid}/stat"))?;
        // The name in parentheses may hold anything; after it, user and system time are the 12th and 13th.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
        let cpu_s = (ticks(11).zip(ticks(12))).map(|(user, system)| (user + system) / TICKS_PER_SECOND);
        let io = read(&format!("/proc/{pid}/io"))?;
        Ok(Self { cpu_s: cpu_s.context("/proc/PID/stat is cut off")?, written: field(&io, "write_bytes:")? })
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self { cpu_s: self.cpu_s - before.cpu_s, written: self.written.saturating_sub(before.written) }
    }
}

/// The most memory that a process ever held.
pub(crate) fn peak_memory_bytes(pid: u32) -> Result<u64> {
    field(&read(&format!("/proc/{pid}/status"))?, "VmHWM:").map(|kib| kib * 1024)
}

/// The memory that a process holds now.
pub(crate) fn memory_bytes(pid: u32) -> Result<u64> {
    field(&read(&format!("/proc/{pid}/status"))?, "VmRSS:").map(|kib| kib * 1024)
}

/// The bytes that were written to the disk under `folder`, by everybody, the file system's own journal included.
pub(crate) fn disk_written(folder: &Path) -> Option<u64> {
    let device = fs::metadata(folder).ok()?.dev();
    let (major, minor) = (device >> 8 & 0xfff, device & 0xff | (device >> 12 & 0xfff00));
    let stat = fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat")).ok()?;
    stat.split_whitespace().nth(6)?.parse::<u64>().ok().map(|sectors| sectors * SECTOR_BYTES)
}

/// The bytes that are free for files under `folder`, as `df` tells them.
pub(crate) fn disk_free(folder: &Path) -> Result<u64> {
    let told = Command::new("df").arg("-Pk").arg(folder).output().context("the command df is needed")?;
    let text = String::from_utf8_lossy(&told.stdout);
    let free = text.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)).and_then(|kib| kib.parse().ok());
    free.map(|kib: u64| kib * 1024)
        .with_context(|| format!("df does not tell how much is free at {}", folder.display()))
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("{path} cannot be read"))
}

fn field(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok());
    number.with_context(|| format!("there is no {name} in /proc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_room() {
        assert!(disk_free(&std::env::temp_dir()).unwrap() > 0);
    }

    #[test]
    fn this_very_process() {
        let before = Used::of(std::process::id()).unwrap();
        // The kernel counts pages for each processor and adds them up now and then, so the two differ by a few pages either way.
        let held = vec![1_u8; 16 << 20];
        let memory = memory_bytes(std::process::id()).unwrap();
        let peak = peak_memory_bytes(std::process::id()).unwrap();
        assert!(memory > 8 << 20 && peak > 8 << 20, "{memory}, at most {peak}, with {} bytes held", held.len());
        assert!(Used::of(std::process::id()).unwrap().since(before).cpu_s >= 0.0);
    }
}
