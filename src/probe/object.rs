//! A directory in a bucket: S3 and what speaks like it (`MinIO`, OBS, GCS), OSS, COS and Azure Blob.

use std::future::Future;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;

use super::pattern::Pattern;
use super::told::Made;
use super::{Bench, News};
use crate::domain::destination::{Destination, StorageKind};
use crate::domain::diagnosis::clean;
use crate::domain::secret::Secret;
use crate::domain::storage_test::{Contents, Expected, FORMAT_FILE, FormatFile, StorageCheck, judge};

mod answer;
mod faults;
mod place;
mod reach;
mod sign;
mod store;
#[cfg(test)]
mod tests;

use answer::{Answer, No};
use faults::Doing;
use place::Place;
use sign::Signer;
use store::{Ask, Store, Trouble};

/// Names of a directory that are looked at to judge it.
const NAMES: &str = "10";

/// Between two looks whether anybody still waits.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// How long the last request may take, which deletes the probe when nobody waits any more.
const CLEARING: Duration = Duration::from_millis(1500);

const AFTER_THE_WAY: [StorageCheck; 7] = [
    StorageCheck::Credentials,
    StorageCheck::Write,
    StorageCheck::ReadBack,
    StorageCheck::List,
    StorageCheck::Delete,
    StorageCheck::Clock,
    StorageCheck::Directory,
];

/// What is tested.
pub struct Subject<'a> {
    /// The directory.
    pub destination: &'a Destination,
    /// Its access key.
    pub access_key: Option<&'a Secret>,
    /// What the server wants the directory to be.
    pub expected: &'a Expected,
    /// How long one request may take.
    pub limit: Duration,
}

/// Tests a directory on an object storage. It may take as long as names are looked up, which nothing can stop.
pub fn probe(subject: &Subject<'_>, bench: &mut Bench<'_>) {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            runtime.block_on(test(subject, bench));
            runtime.shutdown_background();
        }
        Err(_) => {
            let made = bench.begin(StorageCheck::Connect);
            bench.fail(&made, faults::no_client());
        }
    }
}

/// What a future gives, or None when nobody waits any more.
async fn or_stopped<T>(stopped: &dyn Fn() -> bool, future: impl Future<Output = T>) -> Option<T> {
    let given_up = async {
        while !stopped() {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    };
    tokio::select! {
        biased;
        () = given_up => None,
        done = future => Some(done),
    }
}

async fn stopped_or<T>(bench: &Bench<'_>, future: impl Future<Output = T>) -> Option<T> {
    or_stopped(bench.stopped, future).await
}

async fn test(subject: &Subject<'_>, bench: &mut Bench<'_>) {
    let destination = subject.destination;
    let Some(place) = Place::of(destination) else {
        let made = bench.begin(StorageCheck::Resolve);
        bench.fail(&made, faults::no_host(destination));
        bench.skip(&[StorageCheck::Connect, StorageCheck::Tls], "anything, as no host is named");
        bench.skip(&AFTER_THE_WAY, "anything, as no host is named");
        return;
    };
    let told = std::cell::Cell::new(0);
    let way = [StorageCheck::Resolve, StorageCheck::Connect, StorageCheck::Tls];
    let client = {
        let mut tell = |news: News| {
            if matches!(news, News::Ended(_)) {
                told.set(told.get() + 1);
            }
            (bench.tell)(news);
        };
        let mut counted = Bench { tell: &mut tell, now: bench.now, stopped: bench.stopped };
        reach::reach(&place, subject.limit, &mut counted).await
    };
    let Some(client) = client else {
        if !(bench.stopped)() {
            let why = "anything behind it: the storage is not reached";
            bench.skip(&way[told.get()..], why);
            bench.skip(&AFTER_THE_WAY, why);
        }
        return;
    };
    let key = match subject.access_key {
        _ if destination.attribute("role_arn").is_some() => {
            bench.skip(&AFTER_THE_WAY, "what the role may do: only the servers assume it");
            return;
        }
        None => {
            bench.skip(&AFTER_THE_WAY, "what needs the access key: none was given");
            return;
        }
        Some(key) => key,
    };
    if destination.attribute("access_id").is_none() {
        let made = bench.begin(StorageCheck::Credentials);
        bench.fail(&made, faults::no_id(destination));
        bench.skip(&AFTER_THE_WAY[1..], "anything that is signed: the access id is missing");
        return;
    }
    let Some(signer) = Signer::new(&place, destination, key) else {
        let made = bench.begin(StorageCheck::Credentials);
        bench.fail(&made, faults::trouble(&place, &Trouble::Unsigned, subject.limit));
        bench.skip(&AFTER_THE_WAY[1..], "anything that is signed: the access key cannot be used");
        return;
    };
    let store = Store { client: &client, place: &place, signer, now: bench.now };
    let mut visit = Visit { store, subject, shown: destination.bare(), may_list: true };
    if visit.look(bench).await == Some(true) {
        visit.with_a_probe(bench).await;
    }
}

/// A bucket that is being tested.
struct Visit<'a> {
    store: Store<'a>,
    subject: &'a Subject<'a>,
    /// The directory as it is shown.
    shown: String,
    may_list: bool,
}

impl Visit<'_> {
    fn place(&self) -> &Place {
        self.store.place
    }

    async fn ask(
        &self,
        bench: &Bench<'_>,
        method: Method,
        key: &str,
        query: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Option<Result<Answer, Trouble>> {
        let ask = Ask { method, key, query, body };
        stopped_or(bench, self.store.ask(&ask)).await
    }

    async fn list(&self, bench: &Bench<'_>, prefix: &str, delimiter: &str) -> Option<Result<Answer, Trouble>> {
        let azure = [("restype", "container"), ("comp", "list"), ("maxresults", NAMES)];
        let others = [("max-keys", NAMES)];
        let mut query: Vec<(&str, &str)> =
            if self.place().kind == StorageKind::Azblob { azure.to_vec() } else { others.to_vec() };
        for (name, value) in [("prefix", prefix), ("delimiter", delimiter)] {
            if !value.is_empty() {
                query.push((name, value));
            }
        }
        self.ask(bench, Method::GET, "", &query, None).await
    }

    /// The objects of a list.
    fn keys(&self, listed: &Answer) -> Vec<String> {
        listed.texts(if self.place().kind == StorageKind::Azblob { "Name" } else { "Key" }).collect()
    }

    fn fail(&self, bench: &mut Bench<'_>, made: &Made, trouble: &Trouble) {
        bench.fail(made, faults::trouble(self.place(), trouble, self.subject.limit));
    }

    fn refuse(&self, bench: &mut Bench<'_>, made: &Made, doing: Doing, no: &No) {
        bench.fail(made, faults::refused(doing, self.place(), &self.shown, no));
    }

    /// The first request: who asks, whose clock is right, and what is in the directory. Some(false): nothing else can be
    /// tested, and that is told; None: nobody waits any more.
    async fn look(&mut self, bench: &mut Bench<'_>) -> Option<bool> {
        let began = (bench.now)();
        let made = bench.begin(StorageCheck::Credentials);
        let answer = match self.list(bench, &self.place().prefix, "/").await? {
            Ok(answer) => answer,
            Err(trouble) => {
                self.fail(bench, &made, &trouble);
                bench.skip(&AFTER_THE_WAY[1..], "anything else, as it does not answer");
                return Some(false);
            }
        };
        let ended = (bench.now)();
        if answer.is_list() {
            bench.pass(&made, "the storage knows the access id, and the key is right");
            self.clock(bench, answer.date(), (began, ended));
            self.directory(bench, &answer).await?;
            return Some(true);
        }
        let no = if answer.status.is_success() { No::NoStorage } else { answer.no() };
        let unknown = "whether the access id and key are right: the storage says no before it looks";
        let mut rest: Vec<StorageCheck> = AFTER_THE_WAY[1..].to_vec();
        match no {
            No::Denied => {
                bench.pass(&made, "the storage knows the access id");
                self.clock(bench, answer.date(), (began, ended));
                let listed = bench.begin(StorageCheck::List);
                self.refuse(bench, &listed, Doing::List, &no);
                bench.skip(&[StorageCheck::Directory], "what is in the directory: it may not be listed");
                self.may_list = false;
                return Some(true);
            }
            No::Skewed => {
                bench.could_not(&made, unknown);
                let apart = answer.date().map(|date| apart(date, (began, ended)));
                let skewed = bench.begin(StorageCheck::Clock);
                bench.fail(
                    &skewed,
                    match apart.filter(|apart| *apart > 1.0) {
                        Some(apart) => faults::skewed(self.place(), apart),
                        None => faults::refused(Doing::Ask, self.place(), &self.shown, &no),
                    },
                );
                rest.retain(|check| *check != StorageCheck::Clock);
            }
            No::Bucket | No::Elsewhere(_) => {
                bench.could_not(&made, unknown);
                let found = bench.begin(StorageCheck::Directory);
                self.refuse(bench, &found, Doing::Ask, &no);
                rest.retain(|check| *check != StorageCheck::Directory);
            }
            No::Object if self.place().kind == StorageKind::Azblob => {
                bench.could_not(&made, unknown);
                let found = bench.begin(StorageCheck::Directory);
                self.refuse(bench, &found, Doing::Ask, &No::Bucket);
                rest.retain(|check| *check != StorageCheck::Directory);
            }
            No::Id | No::Key | No::IdOrKey | No::Object | No::Full | No::Busy(_) | No::Other(_) | No::NoStorage => {
                self.refuse(bench, &made, Doing::Ask, &no);
            }
        }
        bench.skip(&rest, "anything else, as the storage refuses to be asked");
        Some(false)
    }

    fn clock(&self, bench: &mut Bench<'_>, date: Option<Timestamp>, between: (Timestamp, Timestamp)) {
        let made = bench.begin(StorageCheck::Clock);
        match date.map(|date| apart(date, between)) {
            None => bench.could_not(&made, "the storage's clock: its answer has no date"),
            Some(apart) if apart > faults::SKEW_LIMIT => bench.fail(&made, faults::skewed(self.place(), apart)),
            Some(apart) => bench.pass(&made, format!("{apart:.1} s apart")),
        }
    }

    async fn directory(&self, bench: &mut Bench<'_>, listed: &Answer) -> Option<()> {
        let made = bench.begin(StorageCheck::Directory);
        let prefix = &self.place().prefix;
        let keys = self.keys(listed);
        let placeholder = !prefix.is_empty() && keys.iter().any(|key| key == prefix);
        let inner = |key: &String| key.strip_prefix(prefix.as_str()).map(|name| clean(name.trim_end_matches('/')));
        // What stands for other keys below it is no key itself.
        let mut names: Vec<String> =
            keys.iter().chain(&listed.texts("Prefix").collect::<Vec<_>>()).filter_map(inner).collect();
        names.retain(|name| !name.is_empty());
        names.sort();
        names.dedup();
        if names.is_empty() && placeholder {
            bench.could_not(&made, "whether the directory is empty: it holds an object for the directory itself");
            return Some(());
        }
        let mut contents = Contents { names, ..Contents::default() };
        if !contents.names.is_empty() {
            // Behind many others it is not among the first names.
            let key = format!("{prefix}{FORMAT_FILE}");
            if let Ok(answer) = self.ask(bench, Method::GET, &key, &[], None).await? {
                contents.has_format = answer.status.is_success();
                contents.format = FormatFile::read(&answer.body).filter(|_| contents.has_format);
            }
        }
        match judge(&self.shown, self.subject.expected, &contents) {
            Ok(Ok(found)) => bench.pass(&made, found),
            Ok(Err(unknown)) => bench.could_not(&made, unknown),
            Err(fault) => bench.fail(&made, *fault),
        }
        Some(())
    }

    async fn with_a_probe(&self, bench: &mut Bench<'_>) {
        let pattern = Pattern::new();
        let key = format!("{}{}", self.place().prefix, pattern.name());
        let mut probe = Probe { shown: format!("{}/{}", self.shown, pattern.name()), key, there: false, version: None };
        let done = self.steps(bench, &pattern, &mut probe).await;
        if done.is_none() && probe.there {
            // Nobody waits any more: one request, and no longer than they wait for it.
            let query = probe.query();
            let ask = Ask { method: Method::DELETE, key: &probe.key, query: &query, body: None };
            let deleted = tokio::time::timeout(CLEARING, self.store.ask(&ask)).await;
            if deleted.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status.is_success())) {
                (bench.tell)(News::Gone);
            }
        }
    }

    /// None: nobody waits any more.
    async fn steps(&self, bench: &mut Bench<'_>, pattern: &Pattern, probe: &mut Probe) -> Option<()> {
        let made = bench.begin(StorageCheck::Write);
        (bench.tell)(News::Leaves(probe.shown.clone()));
        probe.there = true;
        let written = self.ask(bench, Method::PUT, &probe.key, &[], Some(pattern.bytes())).await?;
        let after = [StorageCheck::ReadBack, StorageCheck::List, StorageCheck::Delete];
        let after = if self.may_list { &after[..] } else { &[StorageCheck::ReadBack, StorageCheck::Delete] };
        let why = "anything of a probe: it could not be written";
        match written {
            Ok(answer) if answer.status.is_success() => {
                probe.version = answer.version();
                bench.pass(&made, "written");
            }
            Ok(answer) => {
                // A refusal is a promise that nothing was written; a broken service promises nothing.
                let no = answer.no();
                self.refuse(bench, &made, Doing::Write, &no);
                if !matches!(no, No::Busy(_) | No::NoStorage) {
                    probe.there = false;
                    (bench.tell)(News::Gone);
                    bench.skip(after, why);
                    return Some(());
                }
                bench.skip(&after[..after.len() - 1], why);
                return self.delete(bench, probe).await;
            }
            Err(trouble) => {
                self.fail(bench, &made, &trouble);
                bench.skip(&after[..after.len() - 1], why);
                return self.delete(bench, probe).await;
            }
        }
        self.read_back(bench, pattern, probe).await?;
        if self.may_list {
            self.find(bench, probe).await?;
        }
        self.delete(bench, probe).await
    }

    async fn read_back(&self, bench: &mut Bench<'_>, pattern: &Pattern, probe: &Probe) -> Option<()> {
        let made = bench.begin(StorageCheck::ReadBack);
        match self.ask(bench, Method::GET, &probe.key, &[], None).await? {
            Err(trouble) => self.fail(bench, &made, &trouble),
            Ok(answer) if !answer.status.is_success() => self.refuse(bench, &made, Doing::Read, &answer.no()),
            Ok(answer) if answer.body == pattern.bytes() => bench.pass(&made, "the same bytes"),
            Ok(answer) => bench.fail(&made, faults::differs(&self.shown, answer.body.len())),
        }
        Some(())
    }

    async fn find(&self, bench: &mut Bench<'_>, probe: &Probe) -> Option<()> {
        let made = bench.begin(StorageCheck::List);
        match self.list(bench, &probe.key, "").await? {
            Err(trouble) => self.fail(bench, &made, &trouble),
            Ok(answer) if !answer.is_list() => self.refuse(bench, &made, Doing::List, &answer.no()),
            Ok(answer) if self.keys(&answer).contains(&probe.key) => bench.pass(&made, "the probe is listed"),
            Ok(_) => bench.fail(&made, faults::not_listed(&self.shown)),
        }
        Some(())
    }

    async fn delete(&self, bench: &mut Bench<'_>, probe: &mut Probe) -> Option<()> {
        let made = bench.begin(StorageCheck::Delete);
        let deleted = self.ask(bench, Method::DELETE, &probe.key, &probe.query(), None).await?;
        let failed = match deleted {
            Err(trouble) => Some(faults::trouble(self.place(), &trouble, self.subject.limit)),
            // What a write that failed did not leave is not there.
            Ok(answer) if answer.status.is_success() || answer.no() == No::Object => None,
            Ok(answer) => Some(faults::refused(Doing::Delete, self.place(), &self.shown, &answer.no())),
        };
        if let Some(fault) = failed {
            bench.fail(&made, faults::left_behind(&probe.shown, &fault));
            // It was tried, and what was tried once more would fail once more.
            probe.there = false;
            return Some(());
        }
        // A storage may say yes and keep it; without the right to list it may not say that an object is not there.
        let looked = self.ask(bench, Method::HEAD, &probe.key, &[], None).await?;
        probe.there = false;
        if looked.is_ok_and(|answer| answer.status.is_success()) {
            bench.fail(&made, faults::still_there(&probe.shown));
        } else {
            (bench.tell)(News::Gone);
            bench.pass(&made, "nothing is left behind");
        }
        Some(())
    }
}

/// The object that a Test writes.
struct Probe {
    /// As a person may delete it.
    shown: String,
    key: String,
    there: bool,
    /// In a bucket that keeps versions: which one to delete, so that none is left.
    version: Option<String>,
}

impl Probe {
    fn query(&self) -> Vec<(&str, &str)> {
        self.version.iter().map(|version| ("versionId", version.as_str())).collect()
    }
}

/// How far a clock that shows whole seconds is from this host's, which it was read between.
fn apart(date: Timestamp, (began, ended): (Timestamp, Timestamp)) -> f64 {
    let behind = began.duration_since(date).as_secs_f64() - 1.0;
    date.duration_since(ended).as_secs_f64().max(behind).max(0.0)
}
