//! Names and texts inside statements, for those that are sent and those that are printed.

/// A name for a statement: in backticks, with backticks inside doubled.
#[must_use]
pub fn quoted_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A string literal; quotes are doubled and backslashes, which some SQL modes read as escapes, are doubled too.
#[must_use]
pub fn quoted_text(text: &str) -> String {
    format!("'{}'", quoted_inside(text))
}

/// The inside of a string literal.
#[must_use]
pub fn quoted_inside(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "''")
}
