//! What the schedules have reached, so that the simulation cannot go blind.

/// Something that a schedule may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    Crash,
    CrashAfterCommit,
    CrashDuringCommit,
    AnswerLost,
    GracefulRestart,
    CheckpointApplied,
    CheckpointFailed,
    CheckpointDue,
    CheckpointPart,
    HeadMovedDuringCheckpoint,
    Send,
    Retry,
    Success,
    FinalFailure,
    ParkedEvents,
    Repeat,
    Load,
    Full,
    FullByParked,
    FullByUnsaved,
    Join,
    JoinRefused,
    InFlightAtLimit,
    HeldByRate,
    DisableFailuresInRow,
    DisableFailuresOutstanding,
    DisableOutdated,
    AlertFailing,
    AlertDisabled,
    AlertRecovered,
    UserDisable,
    EnableRefused,
    UserEdit,
    StreamCreated,
    StreamDeleted,
    StartedElsewhere,
    MovedBack,
    MovedForward,
    MovedToTheEnd,
    MovedWhileDisabled,
    MovedWhileAdded,
    MovedInFlight,
    MoveDuringCheckpoint,
    MoveRecovered,
    MoveFailedAgain,
    ForgottenEnded,
    ResumedNow,
    ResumedPosition,
    ResumedTime,
    Reordered,
    ReorderedInFlight,
    SnapshotBegun,
    SnapshotTold,
    SnapshotToldEarly,
    SnapshotWaits,
    SnapshotDone,
    RetentionEvents,
    RetentionFailures,
    RetentionParked,
    StaleRead,
    LoadsOutOfOrder,
    LoadForgotten,
    RedeliveryRequested,
    RedeliveryFailed,
    RedeliveryRecovered,
    RedeliveryWhileDisabled,
    JobBegun,
    JobOfFailed,
    JobOfMissed,
    JobPaused,
    JobResumed,
    JobCanceled,
    JobEndedByStep,
    TestEvent,
    Withdrawn,
    FilteredOut,
    TurnDelivered,
    TurnFailed,
    WallClockBack,
    WallClockForward,
    EndedEnabled,
    EndedDisabled,
}

impl Reached {
    const LAST: Self = Self::EndedDisabled;
}

/// How often each was reached.
#[derive(Clone, Debug)]
pub(crate) struct Coverage([(Option<Reached>, u64); Reached::LAST as usize + 1]);

impl Coverage {
    pub(crate) fn new() -> Self {
        Self([(None, 0); Reached::LAST as usize + 1])
    }

    pub(crate) fn reached(&mut self, what: Reached) {
        self.add(what, 1);
    }

    pub(crate) fn add(&mut self, what: Reached, times: u64) {
        let slot = &mut self.0[what as usize];
        slot.0 = Some(what);
        slot.1 += times;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            if let Some(what) = what {
                self.add(*what, *times);
            }
        }
    }

    /// How many of the things that can be reached were not.
    pub(crate) fn unreached(&self) -> usize {
        self.0.iter().filter(|(what, _)| what.is_none()).count()
    }

    pub(crate) fn lines(&self) -> String {
        let line = |(what, times): &(Option<Reached>, u64)| what.map(|what| format!("  {what:?}: {times}\n"));
        self.0.iter().filter_map(line).collect()
    }
}
