#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

use clap::Parser;
use clap::error::ErrorKind;
use proptest::prelude::*;

use super::*;
use crate::cli::args::{Cli, Command};
use crate::domain::command_line::split_words;
use crate::domain::samples::{any_choices, choose, target, wanted, with_lasting_sources};

fn parsed(words: impl IntoIterator<Item = String>) -> Result<BackupArgs, clap::Error> {
    let cli = Cli::try_parse_from(["obnow".to_owned()].into_iter().chain(words))?;
    match cli.command {
        Some(Command::Backup(args)) => Ok(*args),
        other => panic!("{other:?}"),
    }
}

fn typed(line: &str) -> Result<BackupArgs, clap::Error> {
    parsed(line.split(' ').map(str::to_owned))
}

proptest! {
    #[test]
    fn the_same_command_makes_the_same_choices(
        choices in any_choices(),
        usual in prop_oneof![Just(CompactionChoice::Auto), Just(CompactionChoice::Never)],
    ) {
        let words = split_words(&choices, usual, Some("prod/pay"));
        let args = parsed(words.clone()).map_err(|error| TestCaseError::fail(format!("{words:?}: {error}")))?;
        prop_assert_eq!(args.confirm.as_deref(), Some("prod/pay"));
        prop_assert_eq!(choices_from_args(&args, usual).unwrap(), with_lasting_sources(choices), "{:?}", words);
    }
}

#[test]
fn how_the_cluster_is_reached_comes_back_too() {
    for line in [
        "--demo=healthy --state /s",
        "--config /c --state /s",
        "--host h:2881 --user root@sys --password-from env:PW",
        "",
    ] {
        let words = line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned);
        let whole = words.chain(["targets".to_owned()]);
        let mut common = Cli::try_parse_from(["obnow".to_owned()].into_iter().chain(whole)).unwrap().common;
        if common.demo.is_some() {
            // As the program does it when it joins a fleet.
            common.demo_root = common.state.replace("/s/demo/healthy/state".into());
            common.config = Some("/s/demo/healthy/config.yaml".into());
        }
        assert_eq!(common.global_args().join(" "), line);
    }
}

#[test]
fn a_plan_file_allows_only_secret_sources() {
    for option in [
        "demo/pay",
        "--mode full",
        "--storage file:///b",
        "--archive-storage file:///b",
        "--access-id i",
        "--compact auto",
        "--plus-archivelog",
        "--no-full fail",
        "--skip one_build",
    ] {
        let error = typed(&format!("backup --plan f {option}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ArgumentConflict, "{option}");
    }
    assert!(
        typed("backup --plan f --encrypt-from env:A --access-key-from env:B --confirm demo --dry-run --save-plan g")
            .is_ok()
    );
    assert_eq!(typed("backup --mode full").unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
    for starts in ["--yes", "--detach"] {
        let error = typed(&format!("backup demo --mode full --save-plan f {starts}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ArgumentConflict, "{starts}");
    }
}

fn plan(choices: Choices) -> SavedPlan {
    SavedPlan {
        saved: jiff::Timestamp::UNIX_EPOCH,
        choices,
        expect: crate::domain::saved_plan::ExpectedCluster {
            created: None,
            cluster_id: None,
            version: String::new(),
            tenant_ids: [(target("prod/pay"), 1002)].into(),
        },
        shown: Vec::new(),
        left_out: Vec::new(),
        digest: crate::domain::saved_plan::FileDigest::Matches,
    }
}

#[test]
fn a_secret_whose_source_is_gone_must_be_named_anew() {
    let bare = typed("backup --plan f").unwrap();
    let named = typed("backup --plan f --encrypt-from env:NEW").unwrap();
    let plain = choose(&["prod/pay"], crate::domain::choices::Mode::Full);
    let with = |source: &SecretSource| plan(Choices { encrypt: Some(source.clone()), ..plain.clone() });
    for lasting in [SecretSource::Env("A".into()), SecretSource::File("/a".into())] {
        assert_eq!(choices_from_plan_file(&with(&lasting), &bare).unwrap().encrypt, Some(lasting.clone()));
        assert_eq!(
            choices_from_plan_file(&with(&lasting), &named).unwrap().encrypt,
            Some(SecretSource::Env("NEW".into()))
        );
    }
    let gone = with(&SecretSource::Stdin);
    let fault = choices_from_plan_file(&gone, &bare).unwrap_err();
    assert!(fault.what.contains("--encrypt-from") && fault.cause == Cause::Usage, "{fault}");
    assert_eq!(choices_from_plan_file(&gone, &named).unwrap().encrypt, Some(SecretSource::Env("NEW".into())));
    // What was saved without encryption is not another plan for a flag.
    assert!(choices_from_plan_file(&plan(plain.clone()), &named).unwrap_err().what.contains("--encrypt-from"));

    let mut storage = wanted(Some("s3://b/p?host=h&access_id=i"), None, StorageSource::Given);
    storage.access_key = Some(SecretSource::Stdin);
    let keyed = plan(Choices { storage: Some(storage), ..plain });
    assert!(choices_from_plan_file(&keyed, &bare).unwrap_err().what.contains("--access-key-from"));
    let args = typed("backup --plan f --access-key-from file:/k").unwrap();
    let key = choices_from_plan_file(&keyed, &args).unwrap().storage.unwrap().access_key;
    assert_eq!(key, Some(SecretSource::File("/k".into())));
}
