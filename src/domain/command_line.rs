//! The command line that makes the same choices, and its quoting for a shell.

use super::choices::{Choices, CompactionChoice, NoFullPolicy};

#[cfg(test)]
mod tests;

/// Returns the arguments of `obnow` that make these choices again, from `backup` on. `usual` is what the inventory says about
/// compaction: only another choice is repeated. Destinations of the inventory and of earlier tasks are not repeated either; they
/// are found again. `confirm` is the name that is asked for before the start.
#[must_use]
pub fn split_words(choices: &Choices, usual: CompactionChoice, confirm: Option<&str>) -> Vec<String> {
    let mut options = vec!["--mode".to_owned(), choices.mode.word().to_owned()];
    let mut option =
        |name: &str, value: Option<String>| options.extend(value.into_iter().flat_map(|v| quoted_command(name, v)));
    if let Some(storage) = &choices.storage {
        option("--storage", storage.data.clone());
        option("--archive-storage", storage.archive.clone());
        option("--access-id", storage.access_id.clone());
        option("--access-key-from", storage.access_key.as_ref().map(super::secret::SecretSource::word));
    }
    if choices.storage.is_none() {
        option("--access-key-from", choices.proof.access_key.as_ref().map(super::secret::SecretSource::word));
    }
    for source in &choices.proof.decrypt {
        option("--decrypt-from", Some(source.word()));
    }
    option("--compact", (choices.compact != usual).then(|| choices.compact.word().to_owned()));
    option("--encrypt-from", choices.encrypt.as_ref().map(super::secret::SecretSource::word));
    option("--no-full", (choices.no_full != NoFullPolicy::Fail).then(|| choices.no_full.word().to_owned()));
    for check in &choices.skip {
        option("--skip", Some(check.name().to_owned()));
    }
    option("--confirm", confirm.map(str::to_owned));
    for table in &choices.exclude.0 {
        options.extend(quoted_command("--exclude-table", table.clone()));
    }
    options.extend(choices.plus_archivelog.then(|| "--plus-archivelog".to_owned()));
    options.extend(choices.proof.asked.map(|asked| if asked { "--prove" } else { "--no-proof" }.to_owned()));
    options.extend(choices.resume_archive.then(|| "--resume-archive".to_owned()));
    let targets: Vec<String> = choices.targets.iter().map(ToString::to_string).collect();
    let mut words = vec!["backup".to_owned()];
    if targets.iter().any(|target| target.starts_with('-')) {
        // After the two dashes nothing is an option any more.
        words.extend(options);
        words.push("--".to_owned());
        words.extend(targets);
    } else {
        words.extend(targets);
        words.extend(options);
    }
    words
}

/// Returns an option with its value; as one argument where the value could be taken for an option.
#[must_use]
pub fn quoted_command(name: &str, value: String) -> Vec<String> {
    if value.starts_with('-') { vec![format!("{name}={value}")] } else { vec![name.to_owned(), value] }
}

/// Returns the arguments as one line for a shell. Only what needs it is quoted; control characters are written as `$'\033'`,
/// which bash, ksh and zsh read.
#[must_use]
pub fn shell(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+:,./@%=".contains(c);
    // zsh replaces a word that begins with an equals sign.
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(plain) {
        return word.to_owned();
    }
    if !word.chars().any(drives) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let mut out = String::from("$'");
    let mut bytes = [0; 4];
    for c in word.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            c if drives(c) => {
                out.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("\\{byte:03o}")));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// Returns whether a character controls a terminal, or reorders or hides text.
fn drives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
