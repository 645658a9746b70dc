//! Faults of the storage Test of an object storage.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use super::bucket_address::BucketAddress;
use super::response::StorageError;
use super::signed_client::RequestError;
use crate::domain::destination::{Destination, StorageKind};
use crate::domain::diagnosis::foreign;
use crate::domain::fault::{Cause, Fault};

/// The operation that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Ask,
    Write,
    Read,
    List,
    Delete,
}

impl Operation {
    const fn past_participle(self) -> &'static str {
        match self {
            Self::Ask => "asked",
            Self::Write => "written to",
            Self::Read => "read",
            Self::List => "listed",
            Self::Delete => "deleted from",
        }
    }

    /// Returns the right that a policy must grant, in the terms of most storages; the server needs more such rights.
    const fn required_right(self) -> &'static str {
        match self {
            Self::Ask | Self::List => "list the bucket",
            Self::Write => "put objects",
            Self::Read => "get objects",
            Self::Delete => "delete objects",
        }
    }
}

fn storage(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Fault {
    Fault::new(Cause::Storage, what, why, next)
}

pub(super) fn missing_host(destination: &Destination) -> Fault {
    let host = foreign(destination.attribute("host").unwrap_or_default());
    Fault::new(
        Cause::Usage,
        format!("{} cannot be reached.", destination.uri_without_attributes()),
        if host.is_empty() { "It names no host.".to_owned() } else { format!("Its host, {host}, is none.") },
        "Write host=NAME, host=NAME:PORT, or the same behind https://.",
    )
}

pub(super) fn no_id(destination: &Destination) -> Fault {
    Fault::new(
        Cause::Usage,
        format!("{} cannot be asked.", destination.uri_without_attributes()),
        "An access key belongs to an access id, and none was given.",
        "Give the id with --access-id.",
    )
}

pub(super) fn unresolved_name(place: &BucketAddress) -> Fault {
    let next = if place.virtual_host && place.kind == StorageKind::S3 {
        "Check the spelling of host; where the bucket is no part of the host's name, add addressing_model=path_style."
    } else {
        "Check the spelling of host and bucket, and the name servers of this host."
    };
    storage(format!("{} cannot be reached.", place.host), "Its name has no address.", next)
}

pub(super) fn name_server_timeout(place: &BucketAddress, limit: Duration) -> Fault {
    storage(
        format!("{} cannot be reached.", place.host),
        format!("No name server said its address within {} s.", limit.as_secs_f32()),
        "Look at the name servers of this host: /etc/resolv.conf.",
    )
}

pub(super) fn not_reachable(place: &BucketAddress, error: &Error, limit: Duration) -> Fault {
    let what = format!("{} cannot be reached.", place.authority());
    match error.kind() {
        ErrorKind::ConnectionRefused => storage(
            what,
            "Nothing listens on that port (connection refused).",
            "Check the port in host, and whether the storage service runs.",
        ),
        ErrorKind::TimedOut => storage(
            what,
            format!("Nobody answered within {} s.", limit.as_secs_f32()),
            "Look at the network and the firewalls between this host and the storage.",
        ),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => storage(
            what,
            "There is no way to it from this host.",
            "Look at the routes of this host: ip route get ADDRESS.",
        ),
        _ => {
            let why = format!("The system says: {}.", foreign(&error.to_string()));
            storage(what, why, "Look at the network between this host and the storage.")
        }
    }
}

pub(super) fn client_not_built() -> Fault {
    Fault::new(
        Cause::Internal,
        "The storage was not tested.",
        "The certificates of this host cannot be used.",
        "Look at SSL_CERT_FILE and SSL_CERT_DIR, and test again.",
    )
}

/// Returns the fault of a request without a response.
pub(super) fn trouble(place: &BucketAddress, trouble: &RequestError, limit: Duration) -> Fault {
    let who = place.authority();
    match trouble {
        RequestError::TimedOut => storage(
            format!("{who} did not answer within {} s.", limit.as_secs_f32()),
            "It takes what is sent, or something on the way does, and does not answer.",
            "Look at the storage service and at the network to it, and test again.",
        ),
        RequestError::Tls(why, next) => storage(format!("No encrypted connection to {who} came about."), *why, *next),
        RequestError::NotHttp => storage(
            format!("{who} is not an object storage."),
            "Something else listens there: its answer is no HTTP.",
            "Check the port in host; where it speaks TLS, write https:// in front.",
        ),
        RequestError::CannotSign => storage(
            "The request could not be signed.",
            format!("The access id or key has not the form of one for {}.", place.kind),
            "Check --access-id and the source of the access key; an Azure key is base64.",
        ),
        RequestError::ConnectionBroken(said) => {
            let why = if said.is_empty() { "It said nothing.".to_owned() } else { format!("The reason: {said}.") };
            let next = if place.https {
                "Look at the storage service, and test again."
            } else {
                "Perhaps it speaks TLS: write https:// in front of the host; else look at the storage service, and test again."
            };
            storage(format!("The connection to {who} broke."), why, next)
        }
    }
}

/// Returns the fault of a refused request. `shown` is the directory.
pub(super) fn refused(doing: Operation, place: &BucketAddress, shown: &str, no: &StorageError) -> Fault {
    let who = place.authority();
    let what = format!("{shown} cannot be {}.", doing.past_participle());
    match no {
        StorageError::UnknownAccessId => storage(
            what,
            format!("{who} does not know the access id."),
            "Check --access-id, and that it belongs to this storage.",
        ),
        StorageError::WrongKey => storage(
            what,
            "The access key is wrong: the signature made with it does not match.",
            "Check the source of the access key: it must be the key of this access id.",
        ),
        StorageError::WrongIdOrKey => storage(
            what,
            "The access id, which is the name of the account, or the access key is wrong.",
            "Check --access-id and the source of the access key.",
        ),
        StorageError::ClockSkew => storage(
            what,
            "The clocks of this host and of the storage are too far apart for it.",
            "Set the clock of this host, and look at the clocks of the servers too: date; chronyc tracking.",
        ),
        StorageError::NoSuchBucket => storage(
            format!("There is no bucket {}.", place.bucket),
            format!("{who} knows none of that name."),
            "Create the bucket, or check its name and the host.",
        ),
        StorageError::WrongRegion(place_of) => wrong_region(place, place_of.as_deref()),
        StorageError::AccessDenied => storage(
            what,
            format!("The access id is known and may not {}.", doing.required_right()),
            "Add that right to the policy of the access id; the servers need it for every backup.",
        ),
        StorageError::NoSuchObject => storage(
            what,
            "What was written a moment ago is not there.",
            "Look for what removes objects there: a lifecycle rule, another program.",
        ),
        StorageError::StorageFull => storage(
            what,
            "It has no room, or the quota is used up.",
            "Make room or raise the quota, or choose another bucket.",
        ),
        StorageError::Busy(status) => storage(
            what,
            format!("{who} has too much to do, or is broken (HTTP {status})."),
            "Test again in a while; if it stays so, look at the storage service.",
        ),
        StorageError::Other(code) => {
            storage(what, format!("{who} answers {code}."), format!("Look up {code} in the manual of the storage."))
        }
        StorageError::NotObjectStorage => storage(
            format!("{who} is not an object storage."),
            "It speaks HTTP, and no object storage answers like this.",
            "Check host and port: a console or another web server may listen there.",
        ),
    }
}

fn wrong_region(place: &BucketAddress, where_to: Option<&str>) -> Fault {
    let what = format!("The bucket {} is not in the region that was given.", place.bucket);
    match where_to {
        Some(there) if there.contains('.') => {
            storage(what, format!("The storage says that its host is {there}."), format!("Write host={there}."))
        }
        Some(there) => storage(
            what,
            format!("The storage says that it is in {there}."),
            format!("Write s3_region={there}, with the host of that region."),
        ),
        None => {
            storage(what, "The storage refers to another region.", "Write the region of the bucket: s3_region=REGION.")
        }
    }
}

pub(super) fn differs(shown: &str, length: usize) -> Fault {
    storage(
        format!("What was written to {shown} came back otherwise ({length} bytes)."),
        "The storage, or the way to it, changes data.",
        "Do not back up there; have the storage checked.",
    )
}

pub(super) fn not_listed(shown: &str) -> Fault {
    storage(
        format!("The probe that was written to {shown} is not listed."),
        "The storage, or a cache in front of it, shows an old state of the bucket.",
        "Switch off the cache for lists (COS: bucket list cache), or choose another bucket.",
    )
}

/// The largest difference of the clocks for an accepted request, in seconds (the same for S3, OSS, COS and Azure).
pub(super) const SKEW_LIMIT: f64 = 900.0;

pub(super) fn skewed(place: &BucketAddress, apart: f64) -> Fault {
    storage(
        format!("The clocks of this host and of {} are {apart:.0} s apart.", place.authority()),
        format!("A storage refuses requests that are more than {SKEW_LIMIT:.0} s off."),
        "Set the clock of this host, and look at the clocks of the servers too: date; chronyc tracking.",
    )
}

/// Returns the text of a probe that was left behind, and whether it prevents a backup.
fn left_behind_text(probe: &str, in_it: bool) -> String {
    let refused = if in_it { "; the server will refuse this directory (9080) until it is removed" } else { "" };
    format!("Left behind {probe}{refused}.")
}

pub(super) fn left_behind(probe: &str, in_it: bool, why: &Fault) -> Fault {
    storage(
        left_behind_text(probe, in_it),
        format!("It could be written and not deleted: {}", why.why),
        format!("Remove {probe}, and give the access id the right to delete objects."),
    )
}

pub(super) fn still_there(probe: &str, in_it: bool) -> Fault {
    storage(
        left_behind_text(probe, in_it),
        "The storage said that it was deleted, and still has it.",
        format!("Remove {probe}, and look for a hold or a retention on the bucket."),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
mod tests {
    use super::*;

    /// A TLS port resets a connection with plain HTTP.
    #[test]
    fn broken_plain_connection_suggests_tls() {
        let broken = |host: &str| {
            let uri = format!("s3://b/p?host={host}&access_id=A&addressing_model=path_style");
            let place = BucketAddress::of(&Destination::parse_user(&uri).unwrap()).unwrap();
            trouble(&place, &RequestError::ConnectionBroken("connection reset".into()), Duration::from_secs(1)).next
        };
        assert!(broken("http://h:9000").starts_with("Perhaps it speaks TLS: write https:// in front of the host"));
        assert!(broken("h:9000").contains("https://"), "without a scheme the server speaks HTTP");
        assert!(!broken("https://h:9000").contains("https://"));
    }
}
