//! What the probe's process and ssh inherit of this one's environment.

use std::ffi::OsString;

/// What of the environment the process needs beside what a runner is given: where certificate authorities are.
const CERTIFICATE_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Returns where the agent is that holds the keys of ssh.
#[allow(clippy::disallowed_methods, reason = "the allow-list of what ssh inherits")]
pub(super) fn ssh_agent() -> impl Iterator<Item = (&'static str, OsString)> {
    std::env::var_os("SSH_AUTH_SOCK").map(|value| ("SSH_AUTH_SOCK", value)).into_iter()
}

/// Returns where the authorities are that this host trusts, if it is said.
#[allow(clippy::disallowed_methods, reason = "the allow-list of what the process inherits")]
pub(super) fn certificates() -> impl Iterator<Item = (&'static str, OsString)> {
    CERTIFICATE_VARIABLES.into_iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value)))
}
