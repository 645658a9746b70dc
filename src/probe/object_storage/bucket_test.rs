//! Tests a bucket that was connected: inspects the directory, then writes a probe.

use http::Method;
use jiff::Timestamp;

use super::bucket_address::BucketAddress;
use super::faults::{self, Operation};
use super::response::{StorageError, StorageResponse};
use super::signed_client::{BucketRequest, MAX_RESPONSE_BYTES, RequestError, SignedClient};
use super::{CHECKS_AFTER_CONNECT, CLEANUP_TIMEOUT, MAX_NAMES, TestSubject, until_test_stopped};
use crate::domain::destination::StorageKind;
use crate::domain::diagnosis::identifier;
use crate::domain::storage_check::{Contents, Expected, FORMAT_FILE, Fit, FormatFile, StorageCheck};
use crate::probe::probe_content::ProbeContent;
use crate::probe::reporter::{CheckRun, FOREIGN_DIRECTORY};
use crate::probe::{ProbeContext, ProbeEvent};

/// The checks that need a probe.
const PROBE_CHECKS: [StorageCheck; 4] =
    [StorageCheck::Write, StorageCheck::ReadBack, StorageCheck::List, StorageCheck::Delete];
const PROBE_CHECKS_WITHOUT_LIST: [StorageCheck; 3] =
    [StorageCheck::Write, StorageCheck::ReadBack, StorageCheck::Delete];

/// A bucket that is being tested.
pub(super) struct BucketTest<'a> {
    store: SignedClient<'a>,
    subject: &'a TestSubject<'a>,
    /// The URI of the directory as it is shown.
    shown: String,
    may_list: bool,
    /// Whether the server will accept the directory.
    fit: Fit,
}

impl<'a> BucketTest<'a> {
    pub(super) fn new(store: SignedClient<'a>, subject: &'a TestSubject<'a>) -> Self {
        Self { store, subject, shown: subject.destination.uri_without_attributes(), may_list: true, fit: Fit::Unknown }
    }

    fn place(&self) -> &BucketAddress {
        self.store.place
    }

    async fn ask(
        &self,
        bench: &ProbeContext<'_>,
        method: Method,
        key: &str,
        query: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Option<Result<StorageResponse, RequestError>> {
        let ask = BucketRequest { method, key, query, body, most: MAX_RESPONSE_BYTES };
        until_test_stopped(bench, self.store.ask(&ask)).await
    }

    async fn send_list(
        &self,
        bench: &ProbeContext<'_>,
        prefix: &str,
        delimiter: &str,
    ) -> Option<Result<StorageResponse, RequestError>> {
        let azure = [("restype", "container"), ("comp", "list"), ("maxresults", MAX_NAMES)];
        let others = [("max-keys", MAX_NAMES)];
        let mut query: Vec<(&str, &str)> =
            if self.place().kind == StorageKind::Azblob { azure.to_vec() } else { others.to_vec() };
        for (name, value) in [("prefix", prefix), ("delimiter", delimiter)] {
            if !value.is_empty() {
                query.push((name, value));
            }
        }
        self.ask(bench, Method::GET, "", &query, None).await
    }

    /// Returns the object keys of a list.
    fn keys(&self, listed: &StorageResponse) -> Vec<String> {
        listed.texts(if self.place().kind == StorageKind::Azblob { "Name" } else { "Key" }).collect()
    }

    fn fail_request(&self, bench: &mut ProbeContext<'_>, made: &CheckRun, trouble: &RequestError) {
        bench.fail(made, faults::trouble(self.place(), trouble, self.subject.limit));
    }

    fn fail_refused(&self, bench: &mut ProbeContext<'_>, made: &CheckRun, doing: Operation, no: &StorageError) {
        bench.fail(made, faults::refused(doing, self.place(), &self.shown, no));
    }

    /// Sends the first request: checks credentials, clocks and the contents of the directory. Returns false where nothing else
    /// can be tested, which is reported; `None` where the Test was stopped.
    pub(super) async fn look(&mut self, bench: &mut ProbeContext<'_>) -> Option<bool> {
        let began = (bench.now)();
        let made = bench.begin(StorageCheck::Credentials);
        let answer = match self.send_list(bench, &self.place().prefix, "/").await? {
            Ok(answer) => answer,
            Err(trouble) => {
                self.fail_request(bench, &made, &trouble);
                bench.skip(&CHECKS_AFTER_CONNECT[1..], "anything else, as it does not answer");
                return Some(false);
            }
        };
        let ended = (bench.now)();
        if answer.is_list() {
            bench.pass(&made, "the storage knows the access id, and the key is right");
            self.check_clock(bench, answer.date(), (began, ended));
            self.check_directory(bench, &answer).await?;
            return Some(true);
        }
        let no = if answer.status.is_success() { StorageError::NotObjectStorage } else { answer.no() };
        let unknown = "whether the access id and key are right: the storage says no before it looks";
        let mut rest: Vec<StorageCheck> = CHECKS_AFTER_CONNECT[1..].to_vec();
        match no {
            StorageError::AccessDenied => {
                bench.pass(&made, "the storage knows the access id");
                self.check_clock(bench, answer.date(), (began, ended));
                let listed = bench.begin(StorageCheck::List);
                self.fail_refused(bench, &listed, Operation::List, &no);
                bench.skip(&[StorageCheck::Directory], "what is in the directory: it may not be listed");
                self.may_list = false;
                return Some(true);
            }
            StorageError::ClockSkew => {
                bench.could_not(&made, unknown);
                let apart = answer.date().map(|date| apart(date, (began, ended)));
                let skewed = bench.begin(StorageCheck::Clock);
                bench.fail(
                    &skewed,
                    match apart.filter(|apart| *apart > 1.0) {
                        Some(apart) => faults::skewed(self.place(), apart),
                        None => faults::refused(Operation::Ask, self.place(), &self.shown, &no),
                    },
                );
                rest.retain(|check| *check != StorageCheck::Clock);
            }
            StorageError::NoSuchBucket | StorageError::WrongRegion(_) => {
                bench.could_not(&made, unknown);
                let found = bench.begin(StorageCheck::Directory);
                self.fail_refused(bench, &found, Operation::Ask, &no);
                rest.retain(|check| *check != StorageCheck::Directory);
            }
            StorageError::NoSuchObject if self.place().kind == StorageKind::Azblob => {
                bench.could_not(&made, unknown);
                let found = bench.begin(StorageCheck::Directory);
                self.fail_refused(bench, &found, Operation::Ask, &StorageError::NoSuchBucket);
                rest.retain(|check| *check != StorageCheck::Directory);
            }
            StorageError::UnknownAccessId
            | StorageError::WrongKey
            | StorageError::WrongIdOrKey
            | StorageError::NoSuchObject
            | StorageError::StorageFull
            | StorageError::Busy(_)
            | StorageError::Other(_)
            | StorageError::NotObjectStorage => {
                self.fail_refused(bench, &made, Operation::Ask, &no);
            }
        }
        bench.skip(&rest, "anything else, as the storage refuses to be asked");
        Some(false)
    }

    fn check_clock(&self, bench: &mut ProbeContext<'_>, date: Option<Timestamp>, between: (Timestamp, Timestamp)) {
        let made = bench.begin(StorageCheck::Clock);
        match date.map(|date| apart(date, between)) {
            None => bench.could_not(&made, "the storage's clock: its answer has no date"),
            Some(apart) if apart > faults::SKEW_LIMIT => bench.fail(&made, faults::skewed(self.place(), apart)),
            Some(apart) => bench.pass(&made, format!("{apart:.1} s apart")),
        }
    }

    async fn check_directory(&mut self, bench: &mut ProbeContext<'_>, listed: &StorageResponse) -> Option<()> {
        let made = bench.begin(StorageCheck::Directory);
        let prefix = self.place().prefix.clone();
        let keys = self.keys(listed);
        let placeholder = !prefix.is_empty() && keys.contains(&prefix);
        let inner = |key: &String| key.strip_prefix(prefix.as_str()).map(|name| identifier(name.trim_end_matches('/')));
        // A common prefix of deeper keys is not a key itself.
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
            // It may come after the first names.
            let key = format!("{prefix}{FORMAT_FILE}");
            if let Ok(answer) = self.ask(bench, Method::GET, &key, &[], None).await? {
                contents.has_format = answer.status.is_success();
                contents.format = FormatFile::read(&answer.body).filter(|_| contents.has_format);
            }
        }
        self.fit = bench.judged(&made, &self.shown, self.subject.expected, &contents);
        Some(())
    }

    pub(super) async fn with_a_probe(&self, bench: &mut ProbeContext<'_>) {
        if self.fit == Fit::Unfit {
            bench.skip(&PROBE_CHECKS, FOREIGN_DIRECTORY);
            return;
        }
        let pattern = ProbeContent::new();
        let inside = self.subject.inside || *self.subject.expected == Expected::OwnHost;
        let spot =
            if inside { Some((self.place().prefix.as_str(), self.shown.as_str())) } else { self.parent_prefix() };
        let Some((prefix, shown)) = spot else {
            bench.asks_inside(
                self.probe_checks(),
                &format!("{} is a whole bucket, and nothing is beside it", self.shown),
            );
            return;
        };
        if !inside {
            match self.find_destination_above(bench, prefix).await {
                None => return,
                Some(None) => {}
                Some(Some(other)) => {
                    let why = format!("what is beside {} belongs to another destination, {other}", self.shown);
                    bench.asks_inside(self.probe_checks(), &why);
                    return;
                }
            }
        }
        let mut probe = Probe {
            shown: format!("{shown}/{}", pattern.name()),
            key: format!("{prefix}{}", pattern.name()),
            in_it: inside,
            there: false,
            version: None,
        };
        let done = self.run_probe(bench, &pattern, &mut probe).await;
        if done.is_none() && probe.there {
            // After a stop one request deletes the probe, within the cleanup limit.
            let query = probe.query();
            let ask = BucketRequest {
                method: Method::DELETE,
                key: &probe.key,
                query: &query,
                body: None,
                most: MAX_RESPONSE_BYTES,
            };
            let deleted = tokio::time::timeout(CLEANUP_TIMEOUT, self.store.ask(&ask)).await;
            if deleted.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status.is_success())) {
                (bench.tell)(ProbeEvent::ProbeRemoved);
            }
        }
    }

    /// Returns the parent of the directory: its prefix, and its URI as shown; `None` where the directory is the whole bucket.
    fn parent_prefix(&self) -> Option<(&str, &str)> {
        let own = self.place().prefix.strip_suffix('/')?;
        let above = own.rfind('/').and_then(|at| own.get(..=at)).unwrap_or_default();
        Some((above, self.shown.rsplit_once('/')?.0))
    }

    /// Returns this prefix or the nearest one above it that is a backup destination: it has a format file. The outer `None`
    /// means that the Test was stopped.
    async fn find_destination_above(&self, bench: &ProbeContext<'_>, prefix: &str) -> Option<Option<String>> {
        let mut above = prefix;
        loop {
            let key = format!("{above}{FORMAT_FILE}");
            let answer = self.ask(bench, Method::GET, &key, &[], None).await?;
            // A storage that fails has not said that there is none. One that refuses the right to read refuses a probe as well.
            if answer.is_ok_and(|answer| answer.status.is_success() || answer.status.is_server_error()) {
                return Some(Some(if above.is_empty() { "the whole bucket".to_owned() } else { above.to_owned() }));
            }
            let Some(shorter) = above.strip_suffix('/') else { return Some(None) };
            above = &shorter[..shorter.rfind('/').map_or(0, |at| at + 1)];
        }
    }

    /// Returns the checks that need a probe; without the right to list, the list check was reported already.
    fn probe_checks(&self) -> &'static [StorageCheck] {
        if self.may_list { &PROBE_CHECKS } else { &PROBE_CHECKS_WITHOUT_LIST }
    }

    /// Runs the checks of a probe; `None` where the Test was stopped.
    async fn run_probe(&self, bench: &mut ProbeContext<'_>, pattern: &ProbeContent, probe: &mut Probe) -> Option<()> {
        let made = bench.begin(StorageCheck::Write);
        (bench.tell)(ProbeEvent::ProbeWritten(probe.shown.clone()));
        probe.there = true;
        let written = self.ask(bench, Method::PUT, &probe.key, &[], Some(pattern.bytes())).await?;
        let after = &self.probe_checks()[1..];
        let why = "anything of a probe: it could not be written";
        match written {
            Ok(answer) if answer.status.is_success() => {
                probe.version = answer.version();
                bench.pass(&made, "written");
            }
            Ok(answer) => {
                // After a refusal nothing was written; after an error of a broken service that is unknown.
                let no = answer.no();
                if no == StorageError::AccessDenied && !probe.in_it {
                    probe.there = false;
                    (bench.tell)(ProbeEvent::ProbeRemoved);
                    bench.asks_inside(self.probe_checks(), &format!("beside {} nothing may be written", self.shown));
                    return Some(());
                }
                self.fail_refused(bench, &made, Operation::Write, &no);
                if !matches!(no, StorageError::Busy(_) | StorageError::NotObjectStorage) {
                    probe.there = false;
                    (bench.tell)(ProbeEvent::ProbeRemoved);
                    bench.skip(after, why);
                    return Some(());
                }
                bench.skip(&after[..after.len() - 1], why);
                return self.check_delete(bench, probe).await;
            }
            Err(trouble) => {
                self.fail_request(bench, &made, &trouble);
                bench.skip(&after[..after.len() - 1], why);
                return self.check_delete(bench, probe).await;
            }
        }
        self.check_read_back(bench, pattern, probe).await?;
        if self.may_list {
            self.check_list(bench, probe).await?;
        }
        self.check_delete(bench, probe).await
    }

    async fn check_read_back(&self, bench: &mut ProbeContext<'_>, pattern: &ProbeContent, probe: &Probe) -> Option<()> {
        let made = bench.begin(StorageCheck::ReadBack);
        match self.ask(bench, Method::GET, &probe.key, &[], None).await? {
            Err(trouble) => self.fail_request(bench, &made, &trouble),
            Ok(answer) if !answer.status.is_success() => self.fail_refused(bench, &made, Operation::Read, &answer.no()),
            Ok(answer) if answer.body == pattern.bytes() => bench.pass(&made, "the same bytes"),
            Ok(answer) => bench.fail(&made, faults::differs(&self.shown, answer.body.len())),
        }
        Some(())
    }

    async fn check_list(&self, bench: &mut ProbeContext<'_>, probe: &Probe) -> Option<()> {
        let made = bench.begin(StorageCheck::List);
        match self.send_list(bench, &probe.key, "").await? {
            Err(trouble) => self.fail_request(bench, &made, &trouble),
            Ok(answer) if !answer.is_list() => self.fail_refused(bench, &made, Operation::List, &answer.no()),
            Ok(answer) if self.keys(&answer).contains(&probe.key) => bench.pass(&made, "the probe is listed"),
            Ok(_) => bench.fail(&made, faults::not_listed(&self.shown)),
        }
        Some(())
    }

    async fn check_delete(&self, bench: &mut ProbeContext<'_>, probe: &mut Probe) -> Option<()> {
        let made = bench.begin(StorageCheck::Delete);
        let deleted = self.ask(bench, Method::DELETE, &probe.key, &probe.query(), None).await?;
        let failed = match deleted {
            Err(trouble) => Some(faults::trouble(self.place(), &trouble, self.subject.limit)),
            // A failed write may have left no object.
            Ok(answer) if answer.status.is_success() || answer.no() == StorageError::NoSuchObject => None,
            Ok(answer) => Some(faults::refused(Operation::Delete, self.place(), &self.shown, &answer.no())),
        };
        if let Some(fault) = failed {
            bench.fail(&made, faults::left_behind(&probe.shown, probe.in_it, &fault));
            // Another attempt would fail too.
            probe.there = false;
            return Some(());
        }
        // A storage may confirm the deletion and keep the object; without the right to list it may not report a missing object.
        let looked = self.ask(bench, Method::HEAD, &probe.key, &[], None).await?;
        probe.there = false;
        if looked.is_ok_and(|answer| answer.status.is_success()) {
            bench.fail(&made, faults::still_there(&probe.shown, probe.in_it));
        } else {
            (bench.tell)(ProbeEvent::ProbeRemoved);
            bench.pass(&made, "nothing is left behind");
        }
        Some(())
    }
}

/// The probe object of a Test.
struct Probe {
    /// Its URI as it is shown.
    shown: String,
    key: String,
    /// Whether it is in the directory itself.
    in_it: bool,
    there: bool,
    /// Its version id in a bucket with versions, so that the deletion leaves none.
    version: Option<String>,
}

impl Probe {
    fn query(&self) -> Vec<(&str, &str)> {
        self.version.iter().map(|version| ("versionId", version.as_str())).collect()
    }
}

/// Returns the distance of a clock with whole seconds from this host's clock, in seconds; `began` and `ended` are this host's
/// times before and after the reading.
fn apart(date: Timestamp, (began, ended): (Timestamp, Timestamp)) -> f64 {
    let behind = began.duration_since(date).as_secs_f64() - 1.0;
    date.duration_since(ended).as_secs_f64().max(behind).max(0.0)
}
