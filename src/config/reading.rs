//! From a file to an inventory, with errors that name file, path, line and column; and back to text.

use std::path::Path;

use super::inventory::{Inventory, Storage};
use super::yaml_bounds::excess;
use super::{locate::locate, private, rules};
use crate::domain::credential::credential;
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::SecretSource;

/// The commented example that `config init` writes.
pub const EXAMPLE: &str = include_str!("../../assets/config.example.yaml");

pub(super) const CALLED: &str = "The inventory";

/// The inventory of this file, or `Lost` where there is no file.
///
/// # Errors
/// The file cannot be read, may be touched by others than its owner, or is not an inventory; with the place.
pub fn load(path: &Path) -> Result<Option<Inventory>, Fault> {
    let Some(bytes) = private::read(path, CALLED)? else { return Ok(None) };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        unusable(path, &format!("line {line}: the text is not UTF-8"))
    })?;
    parse(text, path).map(Some)
}

/// The inventory in this text; `path` is only named in errors.
///
/// # Errors
/// An unknown key, a wrong type, or a rule that is broken: with file, path, and line and column where known.
pub fn parse(text: &str, path: &Path) -> Result<Inventory, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Inventory::default());
    }
    bounded(text).map_err(|why| unusable(path, &why))?;
    let inventory: Inventory = serde_yaml::from_str(text).map_err(|error| unusable(path, &syntax(text, &error)))?;
    rules::check(&inventory).map_err(|(place, why)| unusable(path, &sentence(&place, locate(text, &place), &why)))?;
    Ok(inventory)
}

/// Refuses a text that would make the parser work for minutes: the place in it, and why.
pub(super) fn bounded(text: &str) -> Result<(), String> {
    excess(text).map_or(Ok(()), |(line, why)| Err(format!("line {line}: {why}")))
}

/// Writes the example, 0600; never over an existing file.
///
/// # Errors
/// The file exists, or cannot be written.
pub fn init(path: &Path) -> Result<(), Fault> {
    private::write_new(path, CALLED, EXAMPLE)
}

/// Writes an inventory to a new file, 0600; never over an existing one.
///
/// # Errors
/// The file exists, or cannot be written, or the inventory breaks a rule and could not be read again.
pub fn write_new(path: &Path, inventory: &Inventory) -> Result<(), Fault> {
    let text = text(inventory)?;
    parse(&text, path)?;
    private::write_new(path, CALLED, &text)
}

/// What is in force, defaults included, as YAML: where secrets come from, never a secret. The text of a command is
/// left out, because people write passwords into commands.
///
/// # Errors
/// Never in practice: an inventory always has a text.
pub fn show(inventory: &Inventory) -> Result<String, Fault> {
    let mut shown = inventory.clone();
    for cluster in &mut shown.clusters {
        hide(&mut cluster.password);
        for strategy in &mut cluster.strategies {
            let storages: [Option<&mut Storage>; 2] = [Some(&mut strategy.storage), strategy.archive.as_mut()];
            for storage in storages.into_iter().flatten() {
                hide(&mut storage.access_key);
            }
        }
    }
    for ocp in &mut shown.ocp {
        hide(&mut ocp.password);
        hide(&mut ocp.access_key_secret);
    }
    text(&shown)
}

fn hide(source: &mut Option<SecretSource>) {
    if let Some(SecretSource::Command(command)) = source {
        "***".clone_into(command);
    }
}

fn text(inventory: &Inventory) -> Result<String, Fault> {
    serde_yaml::to_string(inventory).map_err(|error| {
        Fault::new(
            Cause::Internal,
            "The inventory cannot be written as YAML.",
            format!("The writer says: {error}."),
            "Report this as a fault of obnow.",
        )
    })
}

fn unusable(path: &Path, why: &str) -> Fault {
    Fault::new(
        Cause::Usage,
        format!("{CALLED} {} cannot be used.", path.display()),
        format!("{why}."),
        "Correct it there; `obnow config init` writes an example with every key.",
    )
}

/// `clusters[1].endpoints (line 4, column 16): why`, as far as known.
pub(super) fn sentence(place: &str, at: Option<(usize, usize)>, why: &str) -> String {
    match (place.is_empty(), at) {
        (true, None) => why.to_owned(),
        (true, Some((line, column))) => format!("line {line}, column {column}: {why}"),
        (false, None) => format!("{place}: {why}"),
        (false, Some((line, column))) => format!("{place} (line {line}, column {column}): {why}"),
    }
}

/// The parser's own error, taken apart: `clusters[0]: missing field `name` at line 2 column 5`.
pub(super) fn syntax(text: &str, error: &serde_yaml::Error) -> String {
    let whole = error.to_string();
    let at = error.location().map(|at| (at.line(), at.column()));
    let message = match at {
        Some((line, column)) => whole.trim_end_matches(&format!(" at line {line} column {column}")),
        None => &whole,
    };
    let (place, message) = match message.split_once(": ") {
        Some((place, rest)) if !place.is_empty() && !place.contains([' ', '`', '"']) => (place, rest),
        _ => ("", message),
    };
    // The parser repeats the value that it could not take.
    if credential(message).is_some() {
        return sentence(
            place,
            at.or_else(|| locate(text, place)),
            "a secret stands there, and none is ever written here",
        );
    }
    let dot = if place.is_empty() { "" } else { "." };
    let quoted = |start: &str| message.strip_prefix(start).and_then(|rest| rest.split('`').next());
    if let Some(field) = quoted("missing field `") {
        let at = at.or_else(|| locate(text, place));
        return sentence(&format!("{place}{dot}{field}"), at, "it is missing");
    }
    if let Some(field) = quoted("unknown field `") {
        let known = message.split_once("expected ").map_or("", |(_, known)| known);
        let why = format!("there is no such key; known here: {}", known.trim_start_matches("one of ").replace('`', ""));
        return sentence(&format!("{place}{dot}{field}"), at.or_else(|| locate(text, place)), &why);
    }
    if let Some(field) = quoted("duplicate field `") {
        return sentence(&format!("{place}{dot}{field}"), at.or_else(|| locate(text, place)), "the key is there twice");
    }
    sentence(place, at.or_else(|| locate(text, place)), message)
}

#[cfg(test)]
mod tests;
