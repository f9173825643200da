//! What the process gives up before it runs foreign code, so that even a mistake of the engine stays in here.
//!
//! The engine has neither files nor sockets nor processes to offer. Should code ever get past it, the operating
//! system still refuses: no file or socket can be opened, no process or thread started, no more memory had.
//! There is no filter of system calls and no namespace; `docs/actions.md` says so.

use rustix::io;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::actions::frames::RunLimits;

/// Memory beyond what the code may use: the program's own, the threads' stacks, answers on their way in.
const OWN_MEMORY_BYTES: u64 = 160 * 1024 * 1024;

/// Standard input, output and error are open already, and nothing else ever is.
const FILES_MAX: u64 = 3;

/// What can be given up at once.
pub(super) fn begin() -> io::Result<()> {
    // A dump would hold the secrets of an action.
    limit(Resource::Core, 0)?;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal};
        // Besides the end of the input: it needs nothing of this process to work.
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // Nor may another process of the same user look inside.
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        rustix::thread::set_no_new_privs(true)?;
    }
    Ok(())
}

/// The rest, once the threads are there.
pub(super) fn complete(limits: &RunLimits) -> io::Result<()> {
    let memory = u64::try_from(limits.memory_bytes).unwrap_or(u64::MAX);
    // Of the data, not of the address space, which counts what is only reserved and the program's text.
    limit(Resource::Data, memory.saturating_add(OWN_MEMORY_BYTES))?;
    limit(Resource::Nofile, FILES_MAX)?;
    limit(Resource::Nproc, 0)?;
    limit(Resource::Fsize, 0)
}

/// Never to be raised again.
fn limit(resource: Resource, wanted: u64) -> io::Result<()> {
    let most = getrlimit(resource).maximum.map_or(wanted, |maximum| maximum.min(wanted));
    setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })
}
