//! The rules of an inventory that its types do not enforce; each breach names its path.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::inventory::{Cluster, Inventory, Limits, Ocp, Storage, StorageKind};
use super::values::duration_text;
use crate::domain::connection::TlsMode;
use crate::domain::credential::credential;
use crate::domain::diagnosis::is_invisible;
use crate::domain::endpoint::MOST_ENDPOINTS;

/// A breach: the path of the value, and one sentence without a full stop.
pub(super) type RuleViolation = (String, String);

/// The breach of a part of a storage that holds a credential, which is not repeated.
const SECRET_IN_IT: &str = "it has a secret or a login in it; an access key is only said where it is found, {command: ..}, {env: ..} or {file: ..}";

/// The upper bound of every limit of waiting.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The most clusters, OCP servers, strategies of a cluster, and tenants of a strategy.
const MOST: usize = 10_000;

/// Checks every rule; the error is the first one that the inventory breaks.
pub(super) fn check(inventory: &Inventory) -> Result<(), RuleViolation> {
    limits(&inventory.limits)?;
    let mut names = HashMap::new();
    for (path, count) in [("clusters", inventory.clusters.len()), ("ocp", inventory.ocp.len())] {
        few(path.to_owned(), count, MOST)?;
    }
    for (index, each) in inventory.clusters.iter().enumerate() {
        let path = format!("clusters[{index}]");
        name(&each.name, &path, &mut names)?;
        cluster(each, &path)?;
    }
    for (index, each) in inventory.ocp.iter().enumerate() {
        let path = format!("ocp[{index}]");
        name(&each.name, &path, &mut names)?;
        ocp(each, &path)?;
    }
    Ok(())
}

fn breach(path: &str, field: &str, why: impl Into<String>) -> Result<(), RuleViolation> {
    Err((format!("{path}.{field}"), why.into()))
}

fn few(path: String, count: usize, most: usize) -> Result<(), RuleViolation> {
    if count > most { Err((path, format!("there are {count}, and there may be no more than {most}"))) } else { Ok(()) }
}

/// Checks that no limit is longer than [`LONGEST_WAIT`].
fn limits(limits: &Limits) -> Result<(), RuleViolation> {
    let Limits { connect, statement, poll, stall, archive_wait, heartbeat, proof } = limits;
    let each = [
        ("connect", connect),
        ("statement", statement),
        ("poll", poll),
        ("stall", stall),
        ("archive_wait", archive_wait),
        ("heartbeat", heartbeat),
        ("proof", proof),
    ];
    match each.into_iter().find(|(_, limit)| **limit > LONGEST_WAIT) {
        Some((name, _)) => breach("limits", name, format!("no limit is longer than {}", duration_text(LONGEST_WAIT))),
        None => Ok(()),
    }
}

/// Checks that a name is visible, can be typed on the command line, and is unique whatever its capitals.
fn name<'a>(name: &'a str, path: &str, names: &mut HashMap<String, &'a str>) -> Result<(), RuleViolation> {
    let why = if name.is_empty() {
        "a name must not be empty"
    } else if name.contains('/') || name.contains(char::is_whitespace) {
        "a name must not hold a slash or a space"
    } else if name.contains(is_invisible) {
        "a name must not hold a character that is not seen, or that reorders text"
    } else if name.starts_with('-') {
        "a name must not begin with a dash: on the command line it would be an option"
    } else if name.chars().all(|c| matches!(c, '.' | '*')) {
        "a name must have other characters than dots and stars"
    } else {
        ""
    };
    if !why.is_empty() {
        return breach(path, "name", why);
    }
    match names.insert(name.to_lowercase(), name) {
        Some(other) if other == name => breach(path, "name", format!("the name {name} is given twice")),
        Some(other) => breach(path, "name", format!("the names {other} and {name} differ in nothing but capitals")),
        None => Ok(()),
    }
}

fn cluster(cluster: &Cluster, path: &str) -> Result<(), RuleViolation> {
    if cluster.endpoints.is_empty() {
        return breach(path, "endpoints", "at least one endpoint is needed, such as 10.0.0.1:2881");
    }
    few(format!("{path}.endpoints"), cluster.endpoints.len(), MOST_ENDPOINTS)?;
    few(format!("{path}.strategies"), cluster.strategies.len(), MOST)?;
    login_user(&cluster.user, path)?;
    if let Some(environment) = &cluster.environment {
        text(environment, path, "environment")?;
    }
    if let Some(ssh) = &cluster.ssh {
        text(&ssh.user, path, "ssh.user")?;
        if ssh.user.starts_with('-') {
            return breach(path, "ssh.user", "a user name does not begin with a dash");
        }
    }
    if cluster.tls.ca.is_some() && cluster.tls.mode == TlsMode::Off {
        return breach(path, "tls.ca", "a certificate authority is of no use with mode: off");
    }
    let mut tenants = HashSet::new();
    let mut whole = false;
    for (index, strategy) in cluster.strategies.iter().enumerate() {
        let path = format!("{path}.strategies[{index}]");
        match &strategy.tenants {
            None if whole => return breach(&path, "tenants", "a second strategy for the whole cluster"),
            None => whole = true,
            Some(list) if list.is_empty() => {
                return breach(&path, "tenants", "an empty list names nobody: leave it out for the whole cluster");
            }
            Some(list) => {
                few(format!("{path}.tenants"), list.len(), MOST)?;
                for (at, tenant) in list.iter().enumerate() {
                    let field = format!("tenants[{at}]");
                    text(tenant, &path, &field)?;
                    if !tenants.insert(tenant) {
                        return breach(&path, &field, format!("the tenant {tenant} is named twice"));
                    }
                }
            }
        }
        storage(&strategy.storage, &format!("{path}.storage"))?;
        if let Some(archive) = &strategy.archive {
            storage(archive, &format!("{path}.archive"))?;
        }
    }
    Ok(())
}

/// Checks a login, `root@sys` or `root@sys#cluster`. One with a password in it, `root@sys:password`, is refused and not repeated.
fn login_user(value: &str, path: &str) -> Result<(), RuleViolation> {
    text(value, path, "user")?;
    if has_password(value) {
        return breach(path, "user", "it holds a colon beside @; the password has a source of its own");
    }
    Ok(())
}

/// Whether a login seems to hold a password. OBProxy's own form, `cluster:tenant:user`, has colons and no `@`.
#[must_use]
pub fn has_password(login: &str) -> bool {
    login.contains('@') && login.contains(':')
}

fn text(value: &str, path: &str, field: &str) -> Result<(), RuleViolation> {
    if value.trim().is_empty() {
        return breach(path, field, "it must not be empty");
    }
    if value.contains(is_invisible) {
        return breach(path, field, "it must be one line without characters that are not seen");
    }
    Ok(())
}

fn ocp(ocp: &Ocp, path: &str) -> Result<(), RuleViolation> {
    let rest = ocp.url.strip_prefix("https://").or_else(|| ocp.url.strip_prefix("http://"));
    let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#'])) else {
        return breach(path, "url", "an address such as https://ocp.example.com:8080 is needed");
    };
    if rest.contains(|c: char| c == '@' || c.is_whitespace() || c.is_control()) {
        return breach(
            path,
            "url",
            "the address must hold no login and no space: user and password have their own keys",
        );
    }
    match (&ocp.user, &ocp.access_key_id) {
        (None, None) => breach(path, "user", "user, or access_key_id, is missing"),
        (Some(_), Some(_)) => breach(path, "access_key_id", "only one of user and access_key_id may be there"),
        (Some(_), None) if ocp.access_key_secret.is_some() => {
            breach(path, "access_key_secret", "it belongs to access_key_id, which is missing")
        }
        (None, Some(_)) if ocp.password.is_some() => breach(path, "password", "it belongs to user, which is missing"),
        (Some(user), None) => text(user, path, "user"),
        (None, Some(id)) => text(id, path, "access_key_id"),
    }
}

type Kinds = &'static [StorageKind];

/// Checks the fields that a kind of storage must and may have.
fn storage(storage: &Storage, path: &str) -> Result<(), RuleViolation> {
    use StorageKind::{Azblob, Cos, File, Obs, Oss, S3};
    const OBJECTS: &[StorageKind] = &[S3, Oss, Cos, Obs, Azblob];
    let kind = storage.kind;
    let addressing = storage.addressing.map(|_| "set");
    let key = storage.access_key.as_ref().map(|_| "set");
    let fields: [(&str, Option<&str>, Kinds, Kinds); 8] = [
        // field, value, kinds that need it, kinds that may have it
        ("path", storage.path.as_deref(), &[File], &[S3, Oss, Cos, Obs, Azblob, File]),
        ("bucket", storage.bucket.as_deref(), OBJECTS, OBJECTS),
        ("endpoint", storage.endpoint.as_deref(), OBJECTS, OBJECTS),
        ("region", storage.region.as_deref(), &[], OBJECTS),
        ("access_id", storage.access_id.as_deref(), OBJECTS, OBJECTS),
        ("access_key", key, &[], OBJECTS),
        ("app_id", storage.app_id.as_deref(), &[Cos], &[Cos]),
        ("addressing", addressing, &[], &[S3, Obs]),
    ];
    for (field, value, needed, allowed) in fields {
        match value {
            None if needed.contains(&kind) => {
                return breach(path, field, format!("storage of kind {} needs it", kind.word()));
            }
            Some(_) if !allowed.contains(&kind) => {
                return breach(path, field, format!("storage of kind {} has no such key", kind.word()));
            }
            Some(value) => {
                text(value, path, field)?;
                let as_sent = if field == "endpoint" { format!("host={value}") } else { value.to_owned() };
                if credential(&as_sent).is_some() {
                    return breach(path, field, SECRET_IN_IT);
                }
            }
            None => {}
        }
    }
    if kind == File && !storage.path.as_deref().is_some_and(|path| path.starts_with('/')) {
        return breach(path, "path", "a directory is written from the root, /backup/..");
    }
    if storage.bucket.as_deref().is_some_and(|bucket| bucket.contains(['/', '?', ' '])) {
        return breach(path, "bucket", "a bucket is a name without slash, question mark and space");
    }
    // The server reads a destination as URI?key=value&key=value: a value with these characters would add keys to it.
    let pieces = [
        ("endpoint", &storage.endpoint),
        ("region", &storage.region),
        ("access_id", &storage.access_id),
        ("app_id", &storage.app_id),
    ];
    for (field, value) in pieces {
        if value.as_deref().is_some_and(|value| value.contains(['?', '&', '\'', '"', ' '])) {
            return breach(path, field, "it must hold no space, quote, question mark or ampersand");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_login_is_refused() {
        for login in ["root@sys:CANARY", "root@sys#c:CANARY", "root:CANARY@sys"] {
            assert!(has_password(login), "{login}");
            let refused = login_user(login, "clusters[0]").err();
            assert!(refused.is_some_and(|breach| !format!("{breach:?}").contains("CANARY")), "{login}");
        }
        for login in ["root@sys", "root@sys#prod", "prod:sys:root", "root"] {
            assert!(login_user(login, "clusters[0]").is_ok(), "{login}");
        }
    }
}
