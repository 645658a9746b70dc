#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::choices::{Mode, StorageSource};
use crate::domain::samples::{choose, wanted};
use crate::domain::secret::SecretSource;

fn line(choices: &Choices) -> String {
    shell(&split_words(choices, CompactionChoice::Never, None))
}

#[test]
fn the_plainest_choice_is_the_plainest_command() {
    assert_eq!(line(&choose(&["prod-hz/pay"], Mode::Full)), "backup prod-hz/pay --mode full");
    assert_eq!(
        line(&choose(&["prod/pay", "prod/or der"], Mode::Incremental)),
        "backup prod/pay 'prod/or der' --mode incremental"
    );
}

#[test]
fn every_choice_has_its_option_and_the_inventory_s_are_left_out() {
    let mut choices = choose(&["prod"], Mode::Incremental);
    let mut storage = wanted(Some("s3://b/{tenant_id}?host=h"), Some("file:///a"), StorageSource::Given);
    storage.access_id = Some("-id".into());
    storage.access_key = Some(SecretSource::Env("KEY".into()));
    choices.storage = Some(storage);
    choices.fallbacks = vec![wanted(Some("file:///strategy"), None, StorageSource::Strategy)];
    choices.compact = CompactionChoice::Auto;
    choices.encrypt = Some(SecretSource::Prompt);
    choices.no_full = NoFullPolicy::Skip;
    choices.plus_archivelog = true;
    assert_eq!(
        line(&choices),
        "backup prod --mode incremental --storage 's3://b/{tenant_id}?host=h' --archive-storage file:///a --access-id=-id \
         --access-key-from env:KEY --compact auto --encrypt-from stdin --no-full skip --plus-archivelog"
    );
    assert!(!shell(&split_words(&choices, CompactionChoice::Auto, None)).contains("--compact"));
}

#[test]
fn an_overridden_check_and_the_name_that_is_asked_for_have_their_options() {
    let mut choices = choose(&["prod/pay"], Mode::Full);
    choices.skip = [crate::domain::preflight::CheckId::OneBuild].into();
    assert_eq!(
        shell(&split_words(&choices, CompactionChoice::Never, Some("prod/pay"))),
        "backup prod/pay --mode full --skip one_build --confirm prod/pay"
    );
}

#[test]
fn a_target_that_looks_like_an_option_stands_behind_two_dashes() {
    assert_eq!(line(&choose(&["-c/pay"], Mode::Full)), "backup --mode full -- -c/pay");
}

#[test]
fn what_a_command_would_print_is_never_told() {
    let mut choices = choose(&["prod"], Mode::Full);
    choices.encrypt = Some(SecretSource::Command("echo hunter2".into()));
    assert_eq!(line(&choices), "backup prod --mode full --encrypt-from stdin");
}

#[test]
fn a_shell_reads_every_word_as_it_is() {
    let nasty =
        ["", "a b", "it's", "$HOME `id` $(id)", "a\\b\"c", "*?[x]{a,b}~", "#!&|;<>()", "=ls", "支付", "--x=y z"];
    let words: Vec<String> = nasty.iter().map(|word| (*word).to_owned()).collect();
    let script = format!("printf '%s\\0' {}", shell(&words));
    let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
    let read: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().split_terminator('\0').collect();
    assert_eq!(read, nasty);
}

#[test]
fn nothing_in_a_word_drives_the_terminal() {
    let words = ["a\u{1b}[2J'\\\n".to_owned(), "\u{202e}x".to_owned(), "\u{9b}".to_owned()];
    assert_eq!(shell(&words), r"$'a\033[2J\'\\\012' $'\342\200\256x' $'\302\233'");
}
