//! Quoting of names and texts in statements, both those that are sent and those that are only shown.

/// Quotes a name: backticks around it, and backticks inside it doubled.
#[must_use]
pub fn quoted_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Returns a string literal; quotes are doubled, and so are backslashes, which some SQL modes read as escapes.
#[must_use]
pub fn quoted_text(text: &str) -> String {
    format!("'{}'", quoted_inside(text))
}

/// Returns the inside of a string literal, without the quotes around it.
#[must_use]
pub fn quoted_inside(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "''")
}
