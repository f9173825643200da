//! Files that are cut off, overwritten or damaged.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{assert_found, doctor, stopped_with_users};
use crate::load::{Answered, CLIENTS, NUMBER, Refusals, crash, delivered, load, until};
use crate::receiver::Receiver;
use crate::server::{Server, free_port, output_of, serve_command};
use crate::starting::assert_refused;

/// A server that was killed under load: its folder, and who had been created before `later` users more were.
async fn killed_under_load(receiver: &Receiver) -> (Arc<tempfile::TempDir>, BTreeSet<String>, BTreeSet<String>) {
    let server = Arc::new(Server::start().await);
    server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    let (answered, enough, refused) = (Answered::default(), Arc::default(), Refusals::default());
    let clients = load(&server, &answered, &enough, &refused);
    until("some users exist", || answered.lock().unwrap().len() >= 200).await;
    let earlier = answered.lock().unwrap().clone();
    until("more users exist", || answered.lock().unwrap().len() >= 600).await;
    server.signal("KILL");
    clients.join_all().await;
    let answered = answered.lock().unwrap().clone();
    (crash(server), earlier, answered)
}

fn cut(file: &Path, to: impl FnOnce(u64) -> u64) {
    let file = std::fs::File::options().write(true).open(file).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(to(length)).unwrap();
    file.sync_all().unwrap();
}

/// Where the last commit ends in the write-ahead file; `None` if it may have been folded into the database, since
/// then no honest disk can lose it any more.
fn last_commit(folder: &Path) -> Option<u64> {
    // The shared index (www.sqlite.org/walformat.html): page size, last frame, frames folded or being folded.
    let index = std::fs::read(folder.join("headwater.db-shm")).unwrap();
    let page = u64::from(u16::from_ne_bytes(index[14..16].try_into().unwrap()));
    let frames = u32::from_ne_bytes(index[16..20].try_into().unwrap());
    let folded = u32::from_ne_bytes(index[128..132].try_into().unwrap());
    // A commit of these few changes has fewer pages than that.
    (folded + 100 < frames).then(|| 32 + u64::from(frames) * (24 + page))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_last_commit_costs_nothing_before_it() {
    let receiver = Receiver::start().await;
    for _ in 0..10 {
        let (folder, earlier, answered) = killed_under_load(&receiver).await;
        let Some(end) = last_commit(folder.path()) else { continue };
        cut(&folder.path().join("headwater.db-wal"), |_| end - 2000);
        let server = Server::start_in(folder).await;
        let mut kept = BTreeSet::new();
        for id in &answered {
            let (status, _) = server.call("GET", &format!("users/{}", id.replace('|', "%7C")), None).await;
            if status == 200 {
                kept.insert(id.clone());
            }
        }
        assert!(earlier.is_subset(&kept), "what was committed earlier is there");
        let torn = answered.len() - kept.len();
        assert!(torn <= usize::try_from(CLIENTS).unwrap(), "only the last commit is torn, not {torn} changes");
        let after = server.create_user(&format!("after{}", NUMBER.fetch_add(1, Ordering::Relaxed))).await;
        kept.insert(after["user_id"].as_str().unwrap().to_owned());
        let repeated = delivered(&receiver, &kept).await;
        println!("torn commit: {} answered, {torn} in the torn one, lost 0, repeated {repeated}", answered.len());
        return;
    }
    panic!("ten times the last commit had just been folded");
}

fn assert_says_damaged(folder: &Path) {
    assert_refused(&output_of(serve_command(folder, free_port())), "restore it from a backup");
    assert_found(&doctor(folder), "restore it from a backup");
    assert_found(&doctor(folder), "headwater.db is damaged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_cut_in_half_is_refused_and_the_doctor_knows() {
    let folder = stopped_with_users().await;
    cut(&folder.path().join("headwater.db"), |length| length / 2 / 4096 * 4096);
    assert_says_damaged(folder.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_whose_tail_is_missing_is_refused_and_the_doctor_knows() {
    for missing in [1, 4096, 3 * 4096] {
        let folder = stopped_with_users().await;
        cut(&folder.path().join("headwater.db"), |length| length - missing);
        assert_says_damaged(folder.path());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_missing_of_the_write_ahead_file_costs_nothing_before_it() {
    let receiver = Receiver::start().await;
    for missing in [1, 20, 4096, 10_000] {
        let (folder, earlier, answered) = killed_under_load(&receiver).await;
        let log = folder.path().join("headwater.db-wal");
        // Beyond the last commit the file may hold former pages; what is cut off is off the last commit.
        let Some(end) = last_commit(folder.path()) else { continue };
        cut(&log, |_| end - missing);
        let server = Server::start_in(folder).await;
        let mut kept = BTreeSet::new();
        for id in &answered {
            let (status, _) = server.call("GET", &format!("users/{}", id.replace('|', "%7C")), None).await;
            if status == 200 {
                kept.insert(id.clone());
            }
        }
        assert!(earlier.is_subset(&kept), "with {missing} bytes less, what was committed earlier is there");
        let repeated = delivered(&receiver, &kept).await;
        println!("{missing} bytes torn off: {} of {} kept, repeated {repeated}", kept.len(), answered.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_garbage_is_refused_and_the_doctor_knows() {
    let folder = stopped_with_users().await;
    std::fs::write(folder.path().join("headwater.db"), "no database\n".repeat(5000)).unwrap();
    assert_says_damaged(folder.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_in_the_databases_place_is_refused() {
    let folder = stopped_with_users().await;
    let database = folder.path().join("headwater.db");
    std::fs::remove_file(&database).unwrap();
    std::fs::create_dir(&database).unwrap();
    assert_refused(&output_of(serve_command(folder.path(), free_port())), "cannot open its database");
    assert_found(&doctor(folder.path()), "cannot open its database");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_that_a_start_does_not_meet_is_found_by_the_doctor() {
    let folder = stopped_with_users().await;
    let database = folder.path().join("headwater.db");
    let mut bytes = std::fs::read(&database).unwrap();
    let from = bytes.len() / 4096 / 2 * 4096;
    // All pages from the middle on but for the last one: most of them are of the log and the users.
    let until = bytes.len() - 4096;
    bytes[from..until].fill(0xa5);
    std::fs::write(&database, bytes).unwrap();
    assert_found(&doctor(folder.path()), "headwater.db is damaged");
}
