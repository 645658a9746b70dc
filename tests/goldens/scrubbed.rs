//! Normalizes what differs in each run.

use std::path::Path;

/// The text with the fleet's own folder as `FLEET`, ids as `ID`, traces as `TRACE`, digests as `HEX`, ages as `AGE`, sizes as `SIZE`, every other run of digits as `0`,
/// and blanks as one: the width of a column depends on its numbers.
pub fn scrubbed(text: &str, folder: &Path) -> String {
    let root = folder.parent().and_then(Path::parent).unwrap_or(folder);
    let text = text.replace(root.to_str().unwrap(), "FLEET");
    let lines: Vec<String> = text.lines().map(line).collect();
    lines.join("\n")
}

fn line(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(word).collect();
    let mut kept: Vec<String> = Vec::new();
    for word in words {
        let bare = word.trim_end_matches([',', ';', ')', '.', ':']);
        let unit = match bare {
            "ms" | "s" | "min" | "h" | "d" | "day" | "days" => Some("AGE"),
            "B" | "KB" | "MB" | "GB" | "TB" | "KiB" | "MiB" | "GiB" => Some("SIZE"),
            _ => None,
        };
        match (unit, kept.last_mut()) {
            (Some(unit), Some(number)) if number.trim_start_matches('(').starts_with('0') => {
                *number = format!("{unit}{}", &word[bare.len()..]);
                // "1 h 3 min" is one age.
                let before = kept.len().checked_sub(2).map(|at| kept[at].clone());
                if before.as_deref() == Some(unit) {
                    kept.remove(kept.len() - 2);
                }
            }
            _ => kept.push(word),
        }
    }
    // How many pieces a window has depends on the second it was looked at.
    let mut line = kept.join(" ");
    while line.contains("[0,0") {
        line = line.replace("[0,0", "[0");
    }
    // The end of a window names its date only where that is another day's.
    line.replace("0:0:0 to 0-0-0 0:0:0", "0:0:0 to 0:0:0")
}

/// Returns a word with each run of digits, also with a fraction, as `0`, and each id of a task as `ID`.
fn word(text: &str) -> String {
    let mut found = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let run = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let part = &rest[..run];
        if part.len() == 12
            && part.starts_with(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
            && part.chars().any(|c| c.is_ascii_uppercase())
        {
            found.push_str("ID");
            rest = &rest[run..];
        } else if part.len() >= 16
            && part.chars().all(|c| c.is_ascii_hexdigit())
            && !part.chars().all(|c| c.is_ascii_digit())
        {
            found.push_str("HEX");
            rest = &rest[run..];
        } else if part.len() > 3 && part.starts_with("YB") {
            found.push_str("TRACE");
            rest = rest[run..].trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '-');
        } else if c.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let mut after = &rest[end..];
            if let Some(fraction) = after.strip_prefix('.') {
                let digits = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
                if digits > 0 {
                    after = &fraction[digits..];
                }
            }
            found.push('0');
            rest = after;
        } else {
            found.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    found
}
