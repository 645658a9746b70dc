//! The errors the wire half answers with, in the words of the server.

use super::statement::ServerError;

/// An error of the server: positive code, SQLSTATE, message.
#[must_use]
pub fn refuse(code: u16, state: &'static str, message: impl Into<String>) -> ServerError {
    ServerError { code, state, message: message.into() }
}

/// The code with the SQLSTATE a V4 server sends along with it.
#[must_use]
pub fn refuse_code(code: u16, message: impl Into<String>) -> ServerError {
    let state = match code {
        1064 => "42000",
        1235 => "0A000",
        _ => "HY000",
    };
    refuse(code, state, message)
}

/// A mistake of the fleet itself (1105): never something a server would say, so it must not look like it.
#[must_use]
pub fn fleet_bug(message: impl std::fmt::Display) -> ServerError {
    refuse(1105, "HY000", format!("bug of the embedded OceanBase: {message}"))
}

/// 1064 at a place of the statement; `why` is added where only the embedded server is this strict.
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
    refuse(1064, "42000", message)
}
