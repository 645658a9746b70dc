//! The process that makes the probe: `obnow run-probe`.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use zeroize::Zeroizing;

use super::Parcel;
use crate::domain::destination::StorageKind;
use crate::domain::secret::Secret;
use crate::probe::{Bench, News, folder, object};

/// Takes its order from the first line of `input`, and tells every news in a line of `output`. It ends when the probe is made,
/// or when `input` ends and the probe is deleted; told to terminate, it deletes its probe first.
pub async fn run(input: impl Read + Send + 'static, output: impl Write + Send + 'static) {
    let mut input = BufReader::new(input);
    let Some(parcel) = parcel(&mut input) else { return };
    let (stop, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    watch(input, Arc::clone(&stop));
    let (stopped, done) = (Arc::clone(&stop), Arc::clone(&ended));
    // Not a thread of the runtime: what hangs here holds up nothing else.
    std::thread::spawn(move || {
        make(&parcel, output, &stopped);
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

fn parcel(input: &mut impl BufRead) -> Option<Parcel> {
    let mut line = Zeroizing::new(Vec::new());
    input.read_until(b'\n', &mut line).ok()?;
    serde_json::from_slice(&line).ok()
}

/// Nobody wants the result any more once the input has ended.
fn watch(mut input: impl Read + Send + 'static, stop: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut input, &mut std::io::sink());
        stop.store(true, Ordering::Relaxed);
    });
}

/// A line without the key, which a storage, or what listens in its place, might repeat: whole, or as it is left where only
/// letters and digits are shown.
fn without(key: Option<&str>, line: &str) -> String {
    let Some(key) = key else { return line.to_owned() };
    let plain: String = key.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')).collect();
    // What is shorter is no key, and would tear words apart.
    let secrets = [key, plain.as_str()].into_iter().filter(|secret| secret.len() >= 8);
    secrets.fold(line.to_owned(), |line, secret| line.replace(secret, "***"))
}

fn make(parcel: &Parcel, mut output: impl Write, stop: &AtomicBool) {
    let mut tell = |news: News| {
        // Whoever cannot be told is gone; that is heard at the input.
        if let Ok(line) = serde_json::to_string(&news) {
            let line = without(parcel.access_key.as_deref().map(String::as_str), &line);
            let _ = writeln!(output, "{line}").and_then(|()| output.flush());
        }
    };
    let stopped = || stop.load(Ordering::Relaxed);
    let mut bench = Bench { tell: &mut tell, now: crate::journal::clock::now, stopped: &stopped };
    match parcel.destination.kind() {
        StorageKind::File if parcel.looks_only => {
            folder::look(Path::new(parcel.destination.path()), &parcel.expected, &mut bench);
        }
        StorageKind::File => folder::probe(Path::new(parcel.destination.path()), &parcel.expected, &mut bench),
        StorageKind::Oss | StorageKind::Cos | StorageKind::S3 | StorageKind::Azblob => {
            let key = parcel.access_key.as_ref().map(|key| Secret::new(key.to_string()));
            let subject = object::Subject {
                destination: &parcel.destination,
                access_key: key.as_ref(),
                expected: &parcel.expected,
                limit: parcel.limit,
                looks_only: parcel.looks_only,
            };
            object::probe(&subject, &mut bench);
        }
    }
    (bench.tell)(News::Done);
}
