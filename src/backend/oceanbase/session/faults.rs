//! Faults of connections, logins and statements.

use std::fmt::Write as _;

use super::client_error::{ClientError, ErrorPacket, ReadLimit};
use super::{Failure, QUERY_TIMEOUT_CODE};
use crate::domain::diagnosis::{explain, foreign};
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::Secret;

/// The most characters of a statement that a message repeats.
const MAX_SHOWN: usize = 60;

pub(super) fn unreachable(endpoint: &str, why: impl Into<String>) -> Fault {
    Fault::new(
        Cause::Unreachable,
        format!("{endpoint} cannot be reached."),
        why,
        "Check the address and the port, the server's state and the firewall between this host and it.",
    )
}

pub(super) fn connect_fault(trouble: &ClientError, endpoint: &str, user: &str, password: Option<&Secret>) -> Fault {
    let detail = foreign(&trouble.to_string());
    let fault = match trouble {
        ClientError::Refused(refusal) => login_fault(refusal.code, &words(refusal), endpoint, user, password),
        ClientError::Tls(words) => tls_fault(&foreign(words), endpoint),
        ClientError::UnsupportedPlugin(plugin) => plugin_fault(plugin, endpoint, user),
        ClientError::Network(error) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => {
                unreachable(endpoint, "Nothing listens there: connection refused.")
            }
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData => not_mysql_fault(endpoint),
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => {
                unreachable(endpoint, "It closed the connection during the login.")
            }
            _ if detail.contains("lookup") || detail.contains("name") => {
                unreachable(endpoint, "The host's name cannot be resolved.")
            }
            _ => unreachable(endpoint, format!("The network says: {detail}.")),
        },
        ClientError::Malformed(_) | ClientError::LimitExceeded(_) => not_mysql_fault(endpoint),
    };
    fault.with_detail(detail)
}

/// Returns the fault of a login by an unsupported plugin, which would reveal the password or is unknown.
fn plugin_fault(plugin: &str, endpoint: &str, user: &str) -> Fault {
    let plugin: String = foreign(plugin).chars().take(MAX_SHOWN).collect();
    let named = if plugin.is_empty() { "a plugin without a name".to_owned() } else { format!("the plugin {plugin}") };
    let what = if plugin == "mysql_clear_password" {
        format!("{endpoint} asks for the password in clear.")
    } else {
        format!("{endpoint} asks for the password by another way than OceanBase's.")
    };
    Fault::new(
        Cause::Unreachable,
        what,
        format!(
            "It names {named}; only mysql_native_password is answered, which OceanBase uses and which does not \
             give the password away. The password was not sent."
        ),
        format!(
            "Check that an observer or OBProxy answers at that address; if so, let {user} log in by mysql_native_password."
        ),
    )
}

fn login_fault(code: u32, message: &str, endpoint: &str, user: &str, password: Option<&Secret>) -> Fault {
    if message.contains("Oracle tenant for current client driver") {
        return Fault::new(
            Cause::Rights,
            format!("{user} cannot log in to {endpoint}."),
            "It belongs to an Oracle-mode tenant, which this protocol cannot log in to.",
            "Use root@sys: Oracle-mode tenants are backed up from the sys tenant.",
        )
        .with_code(code);
    }
    match code {
        1045 | 5015 => {
            let mut why = format!("The server refuses {}.", suspected_parts(user));
            if let Some(invisible) = password.and_then(Secret::invisible) {
                // Writing to a String cannot fail.
                let _ = write!(why, " The password {invisible}, which the server compares too.");
            }
            Fault::new(Cause::Rights, format!("{user} cannot log in to {endpoint}."), why, remedy(user))
        }
        1040 | 8001 => unreachable(endpoint, format!("The server takes no connection now: {message}.")),
        5150 | 5160 => Fault::new(
            Cause::Rights,
            format!("{user} cannot log in to {endpoint}."),
            "There is no such tenant on this server.",
            "Check the tenant's name in the user, for example root@sys.",
        ),
        _ => Fault::new(
            Cause::Server,
            format!("{endpoint} refuses the login of {user}."),
            format!("It answers {code}: {message}."),
            "Look the code up in the server's manual; check user, tenant and cluster in the login.",
        ),
    }
    .with_code(code)
}

/// Returns the parts of a login that may be wrong; the server does not say which.
fn suspected_parts(user: &str) -> String {
    match (user.split_once('#'), parts_by_colons(user)) {
        (Some((_, "")), _) => "the user, the password, or the empty cluster name behind #".to_owned(),
        (Some((_, cluster)), _) => format!("the user, the password, or the cluster name behind #, {cluster}"),
        (None, Some([cluster, ..])) => format!("the user, the password, or the cluster name {cluster}"),
        (None, None) => "the user or the password".to_owned(),
    }
}

fn remedy(user: &str) -> String {
    match (user.split_once('#'), parts_by_colons(user)) {
        (Some((direct, _)), _) => format!(
            "Check all three: a proxy wants the cluster's own name behind # (SHOW PARAMETERS LIKE 'cluster'), an observer is \
             logged in to as {direct}."
        ),
        (None, Some([cluster, tenant, name])) => format!("Write it as user@tenant#cluster: {name}@{tenant}#{cluster}."),
        (None, None) => "Check user and password of this cluster; a proxy wants user@tenant#cluster.".to_owned(),
    }
}

/// Returns the parts of `cluster:tenant:user`, the form of older clients.
fn parts_by_colons(user: &str) -> Option<[&str; 3]> {
    let parts: Vec<&str> = user.split(':').collect();
    parts.try_into().ok()
}

fn not_mysql_fault(endpoint: &str) -> Fault {
    Fault::new(
        Cause::Unreachable,
        format!("{endpoint} is not an OceanBase SQL port."),
        "What answers there does not speak the MySQL protocol.",
        "Use the SQL port of an observer (2881) or of OBProxy (2883), not the RPC or an HTTP port.",
    )
}

fn tls_fault(cause: &str, endpoint: &str) -> Fault {
    let (why, next) = if cause.contains("UnsupportedCertVersion") {
        (
            "Its certificate is of version 1, which is not accepted.",
            "Reissue it as version 3 (openssl x509 -extfile), or set tls: {mode: off}.",
        )
    } else if cause.contains("CaUsedAsEndEntity") {
        (
            "Its certificate is a CA's own and is used as a server's.",
            "Issue a server certificate signed by that CA, or use tls: {mode: require}.",
        )
    } else if cause.contains("UnknownIssuer") {
        (
            "Its certificate is not signed by the CA that is configured.",
            "Check tls.ca of this cluster in the inventory.",
        )
    } else if cause.contains("NotValidForName") || cause.contains("not valid for name") {
        ("Its certificate does not name this host.", "Use the name of the certificate, or tls: {mode: verify-ca}.")
    } else if cause.contains("does not support TLS") || cause.contains("not supported") {
        ("It offers no TLS, and the inventory asks for it.", "Switch TLS on at the server, or set tls: {mode: prefer}.")
    } else {
        ("The TLS handshake failed.", "Compare tls of this cluster in the inventory with the server's certificate.")
    };
    Fault::new(Cause::Unreachable, format!("TLS with {endpoint} failed."), why, next)
}

/// Returns the server's error text, with a note where it was cut off.
fn words(refusal: &ErrorPacket) -> String {
    let text = foreign(&refusal.text);
    if refusal.whole { text } else { format!("{text}... (cut off at 16 KiB)") }
}

/// Returns the beginning of a statement, ended by a full stop.
pub(super) fn brief(statement: &str) -> String {
    let begins: String = statement.chars().take(MAX_SHOWN).collect();
    if begins.len() < statement.len() { format!("{begins}...") } else { format!("{begins}.") }
}

pub(super) fn statement_failure(trouble: &ClientError, endpoint: &str, statement: &str) -> Failure {
    let fault = match trouble {
        ClientError::Refused(refusal) => {
            // The server timed out, or its code was unreadable: the statement may have been executed.
            let answered = !matches!(refusal.code, 0 | QUERY_TIMEOUT_CODE);
            return Failure { answered, ..Failure::refused(explain(i64::from(refusal.code), &words(refusal))) };
        }
        ClientError::LimitExceeded(bound) => limit_fault(*bound, endpoint, statement),
        ClientError::Malformed(what) => Fault::new(
            Cause::Unreachable,
            format!("{endpoint} does not keep to the MySQL protocol."),
            format!("In its answer {what}; it was asked: {}", brief(statement)),
            "Look what answers at that address; through a proxy, name an observer itself (port 2881).",
        ),
        ClientError::Network(_) | ClientError::Tls(_) | ClientError::UnsupportedPlugin(_) => Fault::new(
            Cause::Unreachable,
            format!("{endpoint} broke off the connection."),
            format!("The login had succeeded; the connection broke before this was answered: {}", brief(statement)),
            "Look at the log of the server, or of the proxy, at that moment; through a proxy, name an observer itself (port 2881).",
        ),
    };
    let oversized = matches!(trouble, ClientError::LimitExceeded(_));
    Failure { oversized, ..Failure::lost(fault.with_detail(foreign(&trouble.to_string()))) }
}

fn limit_fault(bound: ReadLimit, endpoint: &str, statement: &str) -> Fault {
    Fault::new(
        Cause::Server,
        format!("{} has more than is read.", subject_of(statement)),
        format!("{endpoint} answers with more than {bound}, the most that is read; the connection was closed."),
        "Count its rows on the server; if they are that many, let the server's own cleanup shorten the view, else look what \
         answers at that address.",
    )
}

/// Returns what a statement reads: the view, or where it names none the beginning of its text.
fn subject_of(statement: &str) -> String {
    let view = statement.split_once(" FROM ").and_then(|(_, behind)| behind.split_whitespace().next());
    view.map_or_else(|| format!("The answer to {}", brief(statement).trim_end_matches('.')), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_faults_are_explained() {
        for (said, why) in [
            ("invalid peer certificate: UnknownIssuer", "not signed by the CA"),
            ("invalid peer certificate: Other(OtherError(UnsupportedCertVersion))", "of version 1"),
            ("invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))", "a CA's own"),
            ("invalid peer certificate: NotValidForName", "does not name this host"),
            ("invalid peer certificate: certificate not valid for name \"db\"", "does not name this host"),
        ] {
            let fault = connect_fault(&ClientError::Tls(said.to_owned()), "db:2881", "root@sys", None);
            assert_eq!(fault.what, "TLS with db:2881 failed.");
            assert!(fault.why.contains(why), "{said}: {}", fault.why);
        }
    }

    fn refused_login(user: &str, password: &str) -> Fault {
        let password = Secret::new(password.to_owned());
        login_fault(1045, "Access denied", "db:2883", user, Some(&password))
    }

    #[test]
    fn refused_login_names_the_suspected_parts() {
        let plain = refused_login("root@sys", "p");
        assert_eq!(plain.why, "The server refuses the user or the password.");
        let behind = refused_login("root@sys#demoo", "p");
        assert_eq!(behind.why, "The server refuses the user, the password, or the cluster name behind #, demoo.");
        assert!(behind.next.contains("an observer is logged in to as root@sys."), "{behind}");
        assert!(refused_login("root@sys#", "p").why.contains("the empty cluster name behind #"));
        let colons = refused_login("demo:sys:root", "p");
        assert!(colons.why.contains("the cluster name demo"), "{colons}");
        assert_eq!(colons.next, "Write it as user@tenant#cluster: root@sys#demo.");
    }

    #[test]
    fn invisible_password_characters_are_reported() {
        for (password, said) in [
            ("\u{feff}CANARY", Some("begins with a byte order mark")),
            ("CANARY\r", Some("ends in a carriage return")),
            ("CANARY ", Some("ends in a blank")),
            (" CANARY", Some("begins with a blank")),
            ("CAN\tARY", Some("has a character in it that is not seen")),
            ("CAN ARY", None),
            ("", None),
        ] {
            let fault = refused_login("root@sys", password);
            let told = said.map(|said| format!(" The password {said}, which the server compares too."));
            assert_eq!(
                fault.why,
                format!("The server refuses the user or the password.{}", told.unwrap_or_default()),
                "{password:?}"
            );
        }
    }
}
