//! The process that makes the probe: `obnow run-probe`.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use zeroize::Zeroizing;

use super::ProbeRequest;
use crate::domain::destination::StorageKind;
use crate::domain::secret::{Secret, hide_secrets};
use crate::probe::{ProbeContext, ProbeEvent, directory, object_storage};

/// Takes its order from the first line of `input`, and tells every news in a line of `output`. It ends when the probe is made,
/// or when `input` ends and the probe is deleted; told to terminate, it deletes its probe first.
pub async fn run(input: impl Read + Send + 'static, output: impl Write + Send + 'static) {
    let mut input = BufReader::new(input);
    let Some(parcel) = read_request(&mut input) else { return };
    let (stop, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    watch_for_stop(input, Arc::clone(&stop));
    let (stopped, done) = (Arc::clone(&stop), Arc::clone(&ended));
    // Not a thread of the runtime: what hangs here holds up nothing else.
    std::thread::spawn(move || {
        execute_probe(&parcel, output, &stopped);
        done.notify_one();
    });
    if let Ok(mut terminate) = signal(SignalKind::terminate()) {
        tokio::select! {
            () = ended.notified() => return,
            _ = terminate.recv() => stop.store(true, Ordering::Relaxed),
        }
    }
    ended.notified().await;
}

fn read_request(input: &mut impl BufRead) -> Option<ProbeRequest> {
    let mut line = Zeroizing::new(Vec::new());
    input.read_until(b'\n', &mut line).ok()?;
    serde_json::from_slice(&line).ok()
}

/// Nobody wants the result any more once the input has ended.
fn watch_for_stop(mut input: impl Read + Send + 'static, stop: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut input, &mut std::io::sink());
        stop.store(true, Ordering::Relaxed);
    });
}

/// News without the key, which a storage, or what listens in its place, might repeat in whatever is told of it.
fn redact(news: ProbeEvent) -> ProbeEvent {
    match news {
        ProbeEvent::CheckEnded(mut tested) => {
            tested.found = hide_secrets(&tested.found);
            tested.fault = tested.fault.map(|mut fault| {
                for part in [&mut fault.what, &mut fault.why, &mut fault.next, &mut fault.detail] {
                    *part = hide_secrets(part);
                }
                fault
            });
            ProbeEvent::CheckEnded(tested)
        }
        news @ (ProbeEvent::CheckStarted(_)
        | ProbeEvent::ProbeWritten(_)
        | ProbeEvent::ProbeRemoved
        | ProbeEvent::Done) => news,
    }
}

fn execute_probe(parcel: &ProbeRequest, mut output: impl Write, stop: &AtomicBool) {
    // Held until all is told: what is held is hidden.
    let key = parcel.access_key.as_ref().map(|key| Secret::new(key.to_string()));
    let mut tell = |news: ProbeEvent| {
        // Whoever cannot be told is gone; that is heard at the input.
        if let Ok(line) = serde_json::to_string(&redact(news)) {
            let _ = writeln!(output, "{line}").and_then(|()| output.flush());
        }
    };
    let stopped = || stop.load(Ordering::Relaxed);
    let mut bench = ProbeContext { tell: &mut tell, now: crate::journal::clock::now, stopped: &stopped };
    match parcel.destination.kind() {
        StorageKind::File if parcel.is_read_only => {
            directory::look(Path::new(parcel.destination.path()), &parcel.expected, &mut bench);
        }
        StorageKind::File => {
            directory::probe(
                Path::new(parcel.destination.path()),
                (&parcel.expected, parcel.may_probe_inside),
                &mut bench,
            );
        }
        StorageKind::Oss | StorageKind::Cos | StorageKind::S3 | StorageKind::Azblob => {
            let subject = object_storage::TestSubject {
                destination: &parcel.destination,
                access_key: key.as_ref(),
                expected: &parcel.expected,
                limit: parcel.limit,
                looks_only: parcel.is_read_only,
                inside: parcel.may_probe_inside,
            };
            object_storage::probe(&subject, &mut bench);
        }
    }
    (bench.tell)(ProbeEvent::Done);
}
