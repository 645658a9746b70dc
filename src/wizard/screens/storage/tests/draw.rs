//! What is drawn, at every size.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::domain::samples::prod;
use crate::wizard::view::theme::Theme;
use crate::wizard::view::view;

/// The screen as text, and where the cursor is.
fn drawn(model: &Model) -> (String, Option<(u16, u16)>) {
    let (wide, high) = model.size;
    let mut terminal = Terminal::new(TestBackend::new(wide, high)).unwrap();
    let mut cursor = None;
    terminal
        .draw(|frame| {
            view(model, Theme { color: false, ascii: true }, now(), frame);
            cursor = Some(());
        })
        .unwrap();
    assert!(cursor.is_some());
    let place = terminal.get_cursor_position().ok().map(|at| (at.x, at.y));
    let buffer = terminal.backend().buffer();
    let row = |y: u16| (0..wide).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    ((0..high).map(row).collect::<Vec<_>>().join("\n"), place)
}

fn object(model: &mut Model) {
    edit(model, "");
    let _ = update(model, Msg::Paste("s3://bucket/path?host=s3.example.com&access_id=AKIA&s3_region=r1".into()));
}

#[test]
fn the_focused_field_is_visible_at_every_size() {
    for size in [(60, 16), (80, 24), (120, 40), (61, 17)] {
        let mut model = opened(prod(), "prod/pay", Vec::new());
        let _ = update(&mut model, Msg::Resized(size.0, size.1));
        object(&mut model);
        for focus in storage(&model).focus_order() {
            go(&mut model, focus);
            for _ in 0..3 {
                let (screen, cursor) = drawn(&model);
                match focus {
                    Focus::Field(field) if field.is_text() => {
                        let label = format!(" > {}", field.labels(storage(&model).data.form.kind).label);
                        let row = screen.lines().position(|line| line.starts_with(&label));
                        let row = row.unwrap_or_else(|| panic!("{label} at {size:?}:\n{screen}"));
                        assert_eq!(cursor.map(|(_, y)| usize::from(y)), Some(row), "{screen}");
                    }
                    Focus::Field(_) => assert!(screen.contains("Addressing"), "{screen}"),
                    Focus::Home | Focus::Edit | Focus::Kind => {}
                    Focus::Test => assert!(screen.contains("[ Test ]"), "{screen}"),
                }
                press(&mut model, Key::PageDown);
            }
        }
    }
}

#[test]
fn no_size_and_no_state_breaks_it() {
    let mut model = opened(three(), "prod", Vec::new());
    for step in 0..4 {
        match step {
            1 => object(&mut model),
            2 => {
                go(&mut model, Focus::Field(Field::AccessKey));
                type_in(&mut model, "\u{5bc6}\u{94a5}key");
                go(&mut model, Focus::Field(Field::Directory));
                type_in(&mut model, "/{tenant_id}");
            }
            3 => drop(tested(&mut model, failing())),
            _ => {}
        }
        for size in [(60, 16), (80, 24), (200, 60), (20, 5), (1, 1), (60, 300)] {
            let _ = update(&mut model, Msg::Resized(size.0, size.1));
            let (screen, _) = drawn(&model);
            assert!(!screen.contains("key\u{94a5}") && !screen.contains('\u{5bc6}'), "a key is drawn as stars");
        }
    }
}

#[test]
fn the_test_says_when_it_passed_and_what_nobody_looked_at() {
    let mut model = opened(three(), "prod", Vec::new());
    edit(&mut model, "/b");
    tested(&mut model, passing());
    let (screen, _) = drawn(&model);
    for text in [
        "passed at 03:31:02: 1 of 1; each of 3 tenants",
        "ok    write 1 MiB       41 ms",
        "not checked: that every server reaches it",
        "df -h /b",
        "for pay            file:///b/77/1002/data",
        "Enter goes on; t tests again.",
    ] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
    go(&mut model, Focus::Field(Field::Directory));
    type_in(&mut model, "x");
    let (screen, _) = drawn(&model);
    assert!(screen.contains("not tested since Storage Directory changed"), "{screen}");
    assert!(!screen.contains("41 ms"), "a void Test shows no result:\n{screen}");
}

#[test]
fn a_failure_is_told_in_its_three_sentences_first() {
    let mut model = opened(prod(), "prod/pay", Vec::new());
    edit(&mut model, "/b");
    let mut report = failing();
    report.checks.push(TestedCheck::pass(StorageCheck::Clock, None, "0.0 s apart"));
    report.left_behind = Some("/b/.obnow-probe".into());
    tested(&mut model, report);
    let (screen, _) = drawn(&model);
    let at = |text: &str| screen.find(text).unwrap_or_else(|| panic!("{text}:\n{screen}"));
    assert!(at("failed at 03:31:02: write 1 MiB; 1 of 2 passed") < at("It is full. No room is left."));
    assert!(at("Next: Make room.") < at("left behind /b/.obnow-probe"));
    assert!(at("left behind") < at("0.0 s apart"));
}

#[test]
fn what_is_found_is_shown_without_its_key() {
    let mut pay = tenant(1002, "pay");
    pay.data_destination = Some(place("s3://b/p?host=h&access_id=AKIA12345678&access_key=***"));
    let model = opened(crate::domain::samples::cluster(vec![pay]), "prod/pay", Vec::new());
    let (screen, _) = drawn(&model);
    for text in ["the cluster's own destination", "AKIA...78", "(not readable from the cluster;", "[ edit ]", "b/p"] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
    assert!(!screen.contains("AKIA12345678"));
    let mut model = model;
    press(&mut model, Key::Right);
    let (screen, _) = drawn(&model);
    assert!(screen.contains("DOING, 10 s behind, by the server's own word"), "{screen}");
}

#[test]
fn a_long_validation_error_is_shown_in_full() {
    let mut model = opened(three(), "prod", Vec::new());
    let _ = update(&mut model, Msg::Resized(60, 16));
    edit(&mut model, "/b/{cluster_id}");
    press(&mut model, Key::Enter);
    let (screen, _) = drawn(&model);
    assert!(screen.contains("into it."), "the end of the sentence says what to do:\n{screen}");
}

#[test]
fn a_short_access_key_is_said_under_its_field() {
    let mut model = opened(prod(), "prod/pay", Vec::new());
    edit(&mut model, "");
    let _ = update(&mut model, Msg::Paste("s3://b/p?host=h&access_id=ID&s3_region=r1".into()));
    go(&mut model, Focus::Field(Field::AccessKey));
    type_in(&mut model, "12345");
    assert!(drawn(&model).0.contains(crate::domain::secret::SHORT), "{}", drawn(&model).0);
    type_in(&mut model, "6");
    assert!(!drawn(&model).0.contains(crate::domain::secret::SHORT));
}
