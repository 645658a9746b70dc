//! Benchmarks the journal: the cost of an event for its writer, with and without fsync, and of a long task for its readers.
#![allow(clippy::unwrap_used, reason = "a benchmark stops where its setup fails")]

use obnow::domain::task::Event;
use obnow::journal::reader::{Follower, read};
use obnow::journal::{TaskId, Writer, clock};

fn main() {
    divan::main();
}

fn id() -> TaskId {
    "1QJ45Y2V0ZZZ".parse().unwrap()
}

/// As a running backup writes them.
fn event() -> Event {
    let what = "BACKUP_DATA_MAJOR, 435 of 500 blocks, 290.0 MiB written".to_owned();
    let (target, step) = ("demo/pay".parse().unwrap(), obnow::domain::step::StepKind::WaitForBackup);
    Event::Waiting { target, step, what, fault: None, over: false }
}

#[divan::bench(args = [true, false], sample_count = 200)]
fn append(bencher: divan::Bencher, durable: bool) {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut writer = Writer::<Event>::create(place.path(), &id(), clock::now()).unwrap();
    let event = event();
    bencher.bench_local(|| writer.append(clock::now(), &event, durable).unwrap());
}

fn long(place: &tempfile::TempDir) {
    let mut writer = Writer::<Event>::create(place.path(), &id(), clock::now()).unwrap();
    let event = event();
    for _ in 0..10_000 {
        writer.append(clock::now(), &event, false).unwrap();
    }
}

#[divan::bench(sample_count = 20)]
fn read_ten_thousand(bencher: divan::Bencher) {
    let place = tempfile::tempdir().unwrap();
    long(&place);
    bencher.bench_local(|| assert_eq!(read::<Event>(place.path(), &id()).unwrap().entries.len(), 10_000));
}

/// One more event for a follower that has read all before it.
#[divan::bench(sample_count = 200)]
fn follow_one_more(bencher: divan::Bencher) {
    let place = tempfile::tempdir().unwrap();
    long(&place);
    let mut writer = Writer::<Event>::open(place.path(), &id(), clock::now()).unwrap();
    let mut follower = Follower::<Event>::new(place.path(), &id());
    follower.entries().unwrap();
    let event = event();
    bencher.bench_local(|| {
        writer.append(clock::now(), &event, false).unwrap();
        assert_eq!(follower.entries().unwrap().len(), 1);
    });
}
