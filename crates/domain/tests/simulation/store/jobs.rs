//! Redelivery jobs, and what is delivered out of turn: `jobs.rs` and `out_of_turn.rs` of the store on SQLite.

use std::collections::BTreeMap;

use domain::catalog::{EventType, EventTypes};
use domain::clock::Timestamp;
use domain::delivery::{Cause, RowChange};
use domain::event::Seq;
use domain::redelivery::JobStatus;

use super::{Event, Store, StoredStream, StreamKey};

/// Names a job; never used twice.
pub(crate) type JobKey = u64;

/// A job, with how far it has come.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) cause: Cause,
    pub(crate) status: JobStatus,
    /// Of these types only.
    types: Option<EventTypes>,
    /// Stretches of the log, for a job of what was missed.
    ranges: Vec<(Seq, Seq)>,
    taken_over: bool,
    next: Seq,
    until: Seq,
    looked_at: bool,
    /// How many deliveries it has marked, and what came of them.
    pub(crate) marked: u64,
    pub(crate) redelivered: u64,
    pub(crate) failed: u64,
    /// Those that it does not ask for any more, and those that the log has forgotten.
    pub(crate) unmarked: u64,
    pub(crate) expired: u64,
}

/// What is asked for of one stream, and by whom.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) jobs: BTreeMap<JobKey, Job>,
    /// The job of each failed delivery that one asks for.
    pub(crate) marks: BTreeMap<Seq, JobKey>,
    /// What is to be delivered out of turn: missed events with their job, test events.
    pub(crate) out_of_turn: BTreeMap<Seq, Option<JobKey>>,
}

impl Asked {
    /// Whether the job lets be delivered what it has marked.
    fn lets(&self, job: Option<JobKey>) -> bool {
        job.and_then(|job| self.jobs.get(&job)).is_none_or(|job| job.status == JobStatus::Running)
    }

    /// How many of a job's marks have not ended.
    pub(crate) fn left(&self, key: JobKey) -> u64 {
        let failed = self.marks.values().filter(|job| **job == key).count();
        let missed = self.out_of_turn.values().filter(|job| **job == Some(key)).count();
        (failed + missed) as u64
    }

    /// Ends a job of which nothing is left; true if it has ended with this.
    fn complete(&mut self, key: JobKey) -> bool {
        let left = self.left(key);
        let Some(job) = self.jobs.get_mut(&key) else { return false };
        let ends = !job.status.has_ended() && job.looked_at && left == 0;
        if ends {
            job.status = JobStatus::Completed;
        }
        ends
    }

    /// What has come of a delivery is counted for its job.
    fn count(&mut self, key: Option<JobKey>, redelivered: bool) {
        let Some(key) = key else { return };
        if let Some(job) = self.jobs.get_mut(&key) {
            job.redelivered += u64::from(redelivered);
            job.failed += u64::from(!redelivered);
        }
        self.complete(key);
    }

    /// A checkpoint says what has come of a delivery.
    pub(super) fn row(&mut self, row: &RowChange) {
        match row {
            RowChange::FailedAgain { seq, redelivery: true, .. } => {
                let job = self.marks.remove(seq);
                self.count(job, false);
            }
            RowChange::Recovered { seq } => {
                let job = self.marks.remove(seq);
                self.count(job, true);
            }
            RowChange::TurnEnded { seq, delivered } => {
                let job = self.out_of_turn.remove(seq).flatten();
                self.count(job, *delivered);
            }
            _ => {}
        }
    }

    /// The log has forgotten what is below `oldest`.
    pub(super) fn expire(&mut self, oldest: Seq) {
        let marks = self.marks.split_off(&oldest);
        let gone = std::mem::replace(&mut self.marks, marks);
        let turns = self.out_of_turn.split_off(&oldest);
        let turns_gone = std::mem::replace(&mut self.out_of_turn, turns);
        for key in gone.into_values().chain(turns_gone.into_values().flatten()) {
            if let Some(job) = self.jobs.get_mut(&key) {
                job.expired += 1;
            }
        }
    }
}

impl StoredStream {
    /// What waits to be delivered beside the log, in order.
    pub(crate) fn redeliveries_waiting(&self) -> Vec<(Seq, Cause)> {
        let asked = &self.asked;
        let failed = self.failures.iter().filter(|(_, requested)| **requested);
        let failed = failed.map(|(seq, _)| (*seq, Cause::Failed, asked.marks.get(seq).copied()));
        let turns = asked.out_of_turn.iter().map(|(seq, job)| (*seq, Cause::OutOfTurn, *job));
        let all = failed.chain(turns).filter(|(_, _, job)| asked.lets(*job));
        let mut waiting: Vec<_> = all.map(|(seq, cause, _)| (seq, cause)).collect();
        waiting.sort_by_key(|(seq, _)| *seq);
        waiting
    }

    /// Those of the positions that nobody asks to deliver beside the log, or whose job is paused.
    pub(crate) fn withdrawn(&self, seqs: &[Seq]) -> Vec<Seq> {
        let waiting = self.redeliveries_waiting();
        let waits = |seq: &Seq| waiting.iter().any(|(waiting, _)| waiting == seq);
        seqs.iter().copied().filter(|seq| !waits(seq)).collect()
    }
}

impl Store {
    /// Begins a job; one of what was missed takes that over, unless it wants only some of it.
    pub(crate) fn job_begin(&mut self, key: StreamKey, name: JobKey, cause: Cause, types: Option<EventTypes>) {
        let (end, head, oldest) = (self.end(), self.head, self.oldest());
        let Some(stored) = self.streams.get_mut(&key) else { return };
        let (mut ranges, mut next, mut taken_over) = (Vec::new(), Seq::ZERO, false);
        if cause == Cause::OutOfTurn {
            let mut spans = stored.settings.spans.clone();
            let missed = spans.take_missed(end).into_iter().map(|(from, until)| (from.max(oldest), until));
            ranges = missed.filter(|(from, until)| from < until).collect();
            next = ranges.first().map_or(end, |(from, _)| *from);
            taken_over = types.is_none() && !ranges.is_empty();
            if taken_over {
                stored.settings.spans = spans;
                stored.settings.version += 1;
                stored.prune(head, oldest);
            }
        }
        let status = JobStatus::Running;
        let (looked_at, marked, redelivered, failed, unmarked, expired) = (false, 0, 0, 0, 0, 0);
        let until = end;
        stored.asked.jobs.insert(
            name,
            Job {
                cause,
                status,
                types,
                ranges,
                taken_over,
                next,
                until,
                looked_at,
                marked,
                redelivered,
                failed,
                unmarked,
                expired,
            },
        );
    }

    /// The next `most` deliveries of a job are marked, of no more than `look_at` that are looked at; answers them, and
    /// whether the job has anything more to do.
    pub(crate) fn job_step(
        &mut self,
        key: StreamKey,
        name: JobKey,
        (most, look_at): (usize, usize),
    ) -> Option<(Vec<Event>, Cause)> {
        let stored = self.streams.get(&key)?;
        let job = stored.asked.jobs.get(&name).filter(|job| job.status == JobStatus::Running)?;
        let due = !job.looked_at || stored.asked.left(name) == 0;
        let cause = job.cause;
        let (found, next, looked_at) = match cause {
            _ if job.looked_at => (Vec::new(), job.next, true),
            Cause::Failed => self.failed_from(stored, job, most, look_at),
            Cause::OutOfTurn => self.missed_from(key, stored, job, most, look_at),
        };
        let stored = self.streams.get_mut(&key)?;
        for event in &found {
            match cause {
                Cause::Failed => {
                    stored.failures.insert(event.seq, true);
                    stored.asked.marks.insert(event.seq, name);
                }
                Cause::OutOfTurn => {
                    stored.asked.out_of_turn.insert(event.seq, Some(name));
                }
            }
        }
        let job = stored.asked.jobs.get_mut(&name)?;
        job.marked += found.len() as u64;
        (job.next, job.looked_at) = (next, looked_at);
        stored.asked.complete(name);
        due.then_some((found, cause))
    }

    fn failed_from(&self, stored: &StoredStream, job: &Job, most: usize, look_at: usize) -> (Vec<Event>, Seq, bool) {
        let (mut found, mut next) = (Vec::new(), job.next);
        let rows: Vec<_> = stored.failures.range(job.next..job.until.max(job.next)).take(look_at).collect();
        let is_end = rows.len() < look_at;
        for (seq, requested) in rows {
            if found.len() == most {
                return (found, next, false);
            }
            next = seq.next();
            let meant = |event: &Event| job.types.as_ref().is_none_or(|types| types.contains(event.event_type));
            found.extend(self.get(*seq).filter(|event| !requested && meant(event)));
        }
        (found, next, is_end)
    }

    fn missed_from(
        &self,
        key: StreamKey,
        stored: &StoredStream,
        job: &Job,
        most: usize,
        mut look_at: usize,
    ) -> (Vec<Event>, Seq, bool) {
        let (mut found, mut next) = (Vec::new(), job.next);
        let (tenant, types) = (stored.settings.tenant, stored.settings.stream.event_types());
        for (from, until) in job.ranges.iter().copied().filter(|(_, until)| *until > job.next) {
            for event in self.read(next.max(from), until) {
                if found.len() >= most || look_at == 0 {
                    return (found, next, false);
                }
                look_at -= 1;
                next = event.seq.next();
                let meant = job.types.as_ref().is_none_or(|types| types.contains(event.event_type));
                let waits = stored.asked.out_of_turn.contains_key(&event.seq);
                if meant && !waits && event.is_wanted(key, tenant, &types) {
                    found.push(*event);
                }
            }
            next = until;
        }
        (found, next, true)
    }

    /// Pauses, resumes or cancels a job; answers what it does not ask for any more.
    pub(crate) fn job_change(&mut self, key: StreamKey, name: JobKey, status: JobStatus) -> Vec<(Seq, Cause)> {
        let (head, oldest) = (self.head, self.oldest());
        let Some(stored) = self.streams.get_mut(&key) else { return Vec::new() };
        let Some(job) = stored.asked.jobs.get_mut(&name).filter(|job| !job.status.has_ended()) else {
            return Vec::new();
        };
        job.status = status;
        if status != JobStatus::Canceled {
            return Vec::new();
        }
        let (taken_over, next, ranges) = (job.taken_over, job.next, job.ranges.clone());
        let asked = &mut stored.asked;
        let failed: Vec<Seq> = asked.marks.iter().filter(|(_, job)| **job == name).map(|(seq, _)| *seq).collect();
        let turns = asked.out_of_turn.iter().filter(|(_, job)| **job == Some(name));
        let turns: Vec<Seq> = turns.map(|(seq, _)| *seq).collect();
        asked.marks.retain(|_, job| *job != name);
        asked.out_of_turn.retain(|_, job| *job != Some(name));
        if let Some(job) = asked.jobs.get_mut(&name) {
            job.unmarked += (failed.len() + turns.len()) as u64;
        }
        for seq in &failed {
            stored.failures.insert(*seq, false);
        }
        if taken_over {
            let left = turns.first().copied().unwrap_or(next).min(next);
            let cursor = stored.cursor(head);
            for (from, until) in ranges {
                stored.settings.spans.miss(from.max(left), until, cursor);
            }
            stored.settings.version += 1;
            stored.prune(head, oldest);
        }
        let failed = failed.into_iter().map(|seq| (seq, Cause::Failed));
        failed.chain(turns.into_iter().map(|seq| (seq, Cause::OutOfTurn))).collect()
    }

    /// Appends a test event for one stream.
    pub(crate) fn test_event_append(&mut self, key: StreamKey, event_type: EventType, at: Timestamp) -> Option<Event> {
        let seq = self.end();
        let stored = self.streams.get_mut(&key)?;
        stored.asked.out_of_turn.insert(seq, None);
        let (tenant, only) = (stored.settings.tenant, Some(key));
        let subject = TEST + seq.0;
        let event = Event { seq, tenant, event_type, subject, at, revision: 0, only, is_test: true };
        self.log.push(event);
        Some(event)
    }
}

/// The numbers of test events: each is about a subject of its own.
const TEST: u64 = 1_000_000_000;
