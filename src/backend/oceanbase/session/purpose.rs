//! The purpose of a connection as a type, so that a text of several statements can never be sent over one that writes.

/// The purpose of a connection.
pub trait Purpose: Send + Sync + 'static {
    /// Whether its login asks the server to accept several statements in one text.
    const REQUESTS_MULTI_STATEMENTS: bool;
}

/// Queries only: the connection cannot send a [`Statement`](super::super::Statement), and so no secret.
pub enum ReadOnly {}

/// Statements that change something, each sent in a text of its own.
pub enum Writing {}

impl Purpose for ReadOnly {
    const REQUESTS_MULTI_STATEMENTS: bool = true;
}

impl Purpose for Writing {
    const REQUESTS_MULTI_STATEMENTS: bool = false;
}
