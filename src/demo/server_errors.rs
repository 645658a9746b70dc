//! The errors of the wire half, with the server's messages.

use super::statement::ServerError;

/// Returns an error with a positive code, an SQLSTATE and a message.
#[must_use]
pub fn error_with_state(code: u16, state: &'static str, message: impl Into<String>) -> ServerError {
    ServerError { code, state, message: message.into() }
}

/// Returns an error with the SQLSTATE that a V4 server sends for its code.
#[must_use]
pub fn protocol_error(code: u16, message: impl Into<String>) -> ServerError {
    let state = match code {
        1064 => "42000",
        1235 => "0A000",
        _ => "HY000",
    };
    error_with_state(code, state, message)
}

/// Returns the error 1105 for a bug of the demo itself; its message must not look like a server's.
#[must_use]
pub fn internal_error(message: impl std::fmt::Display) -> ServerError {
    error_with_state(1105, "HY000", format!("bug of the embedded OceanBase: {message}"))
}

/// Returns the error 1064 at an offset of the statement; `why` is added where only the embedded server is this strict.
#[must_use]
pub fn syntax_error(sql: &str, at: usize, why: Option<&str>) -> ServerError {
    let near = sql.get(at..).unwrap_or_default();
    let line = sql.get(..at).unwrap_or(sql).matches('\n').count() + 1;
    let mut message = format!(
        "You have an error in your SQL syntax; check the manual that corresponds to your OceanBase version for the right \
         syntax to use near '{near}' at line {line}"
    );
    if let Some(why) = why {
        message.push_str("; ");
        message.push_str(why);
    }
    error_with_state(1064, "42000", message)
}
