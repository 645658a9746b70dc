//! What a connection is for. Its type says it, so that no text with several statements can go over one that writes.

/// What a connection is for.
pub trait Purpose: Send + Sync + 'static {
    /// Whether its login asks the server to take several statements in one text.
    const ASKS_SEVERAL: bool;
}

/// Questions alone: the connection has no way to send a [`Statement`](super::super::Statement), and so no secret.
pub enum Reads {}

/// Statements that change something, each in a text of its own.
pub enum Writes {}

impl Purpose for Reads {
    const ASKS_SEVERAL: bool = true;
}

impl Purpose for Writes {
    const ASKS_SEVERAL: bool = false;
}
