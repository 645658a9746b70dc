//! A million random keys. Nothing panics, every screen is reached, and no backup starts but by the one deliberate key on a plan
//! that was on the screen.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::driver::names;
use super::fake_backend::{FakeBackend, SeededRandom};
use super::fixtures;
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::model::{Model, Overlay, Screen};
use crate::wizard::msg::Msg;
use crate::wizard::screens::confirm::Button;
use crate::wizard::screens::confirm_dialog::ConfirmAction;
use crate::wizard::screens::secret_prompt::SecretPurpose;
use crate::wizard::update::{initial_effects, update};
use crate::wizard::view::theme::Theme;
use crate::wizard::view::view;

const KEYS: usize = 1_000_000;
const SEED: u64 = 20_261_120;
/// Each with dice of its own; together they press the million.
const RUNS: usize = 4;

/// The keys of a person in a hurry, those that lead on more often than the others.
const PRESSED: [Key; 52] = [
    Key::Enter,
    Key::Enter,
    Key::Enter,
    Key::Enter,
    Key::Enter,
    Key::Enter,
    Key::Enter,
    Key::Enter,
    Key::Tab,
    Key::Tab,
    Key::Tab,
    Key::Tab,
    Key::Esc,
    Key::Esc,
    Key::Down,
    Key::Down,
    Key::Up,
    Key::Left,
    Key::Right,
    Key::Char(' '),
    Key::Char(' '),
    Key::Char('y'),
    Key::Char('y'),
    Key::Char('r'),
    Key::Char('r'),
    Key::Char('t'),
    Key::Char('m'),
    Key::Char('c'),
    Key::Char('l'),
    Key::Char('d'),
    Key::Char('o'),
    Key::Char('p'),
    Key::Char('b'),
    Key::Char('F'),
    Key::Char('?'),
    Key::Char('/'),
    Key::Char('g'),
    Key::Char('G'),
    Key::Char('n'),
    Key::Char('j'),
    Key::Char('k'),
    Key::Char('\u{8ba2}'),
    Key::BackTab,
    Key::Home,
    Key::End,
    Key::PageUp,
    Key::PageDown,
    Key::Backspace,
    Key::Delete,
    Key::Ctrl('u'),
    Key::Ctrl('w'),
    Key::Ctrl('z'),
];

/// What was seen, to prove that the dice led everywhere.
#[derive(Default)]
struct Coverage {
    screens: BTreeMap<&'static str, usize>,
    overlays: BTreeSet<String>,
    effects: BTreeMap<String, usize>,
}

impl Coverage {
    fn note(&mut self, model: &Model) {
        *self.screens.entry(model.screen.name()).or_default() += 1;
        self.overlays.extend(match &model.overlay {
            None => None,
            Some(Overlay::Help(_)) => Some("help".to_owned()),
            Some(Overlay::Confirm(question)) => Some(format!("question {:?}", question.action)),
            Some(Overlay::SecretPrompt(ask)) => {
                Some(format!("ask {}", if matches!(ask.purpose, SecretPurpose::Login(_)) { "login" } else { "secret" }))
            }
        });
    }
}

/// What a key agrees to, by what has the focus or is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Confirmed {
    Nothing,
    /// It presses Back up Now, or answers what that asked.
    Start,
    /// It answers the question about a compaction, or gives the secret that was asked for behind it.
    Compact,
    Cancel,
}

/// What was on the screen when a key was pressed, as far as a start depends on it.
struct Before {
    /// The digest of the plan that was shown, if it was that of the draft.
    digest: Option<String>,
    /// What it agrees to.
    agreed: Confirmed,
    on_task: bool,
}

impl Before {
    fn of(model: &Model, msg: &Msg) -> Self {
        let enter = matches!(msg, Msg::Key(Key::Enter));
        let agreed = match &model.overlay {
            None if model.confirm.button == Button::Start => Confirmed::Start,
            None | Some(Overlay::Help(_)) => Confirmed::Nothing,
            Some(Overlay::Confirm(question)) => match question.action {
                _ if question.name.as_ref().is_some_and(|name| name.text.value() != name.expected) => {
                    Confirmed::Nothing
                }
                ConfirmAction::Start => Confirmed::Start,
                ConfirmAction::Compact => Confirmed::Compact,
                ConfirmAction::Cancel => Confirmed::Cancel,
                ConfirmAction::Leave | ConfirmAction::Override(_) | ConfirmAction::Retry => Confirmed::Nothing,
            },
            Some(Overlay::SecretPrompt(ask)) => match ask.purpose {
                SecretPurpose::AccessKeyToStart => Confirmed::Start,
                SecretPurpose::Login(_) | SecretPurpose::OlderPassword => Confirmed::Nothing,
                SecretPurpose::AccessKeyToRetry
                | SecretPurpose::EncryptionToRetry
                | SecretPurpose::OlderPasswordToRetry => Confirmed::Compact,
            },
        };
        let start = model.screen == Screen::Confirm && enter;
        // Of the draft as it is now, and of no other.
        let shown = match &model.confirm.shown {
            Some(Ok(shown)) if start && model.choices().as_ref() == Some(&shown.prepared.plan.choices) => Some(shown),
            _ => None,
        };
        Self {
            digest: shown.map(|shown| shown.prepared.digest.clone()),
            agreed: if agreed == Confirmed::Start && !start { Confirmed::Nothing } else { agreed },
            on_task: model.screen == Screen::Task && matches!(msg, Msg::Key(_)),
        }
    }

    /// The law of starts.
    fn judge(&self, effect: &Effect, told: &str) {
        match effect {
            Effect::Launch(_, prepared, _) => {
                assert_eq!(self.agreed, Confirmed::Start, "a start without its key: {told}");
                assert_eq!(self.digest.as_ref(), Some(&prepared.digest), "another plan than the one shown: {told}");
            }
            Effect::Resume { compact, .. } => {
                assert!(self.on_task, "a task goes on without a key on it: {told}");
                assert!(!compact || self.agreed == Confirmed::Compact, "a compaction that nobody agreed to: {told}");
            }
            Effect::Cancel(..) => assert_eq!(self.agreed, Confirmed::Cancel, "a cancel that nobody agreed to: {told}"),
            _ => {}
        }
    }
}

fn fresh() -> Model {
    let mut model = Model::new((80, 24), TimeZone::UTC);
    model.demo = Some("fleet".to_owned());
    model
}

/// What happens next: most of the time a key, else a paste, another size, or an answer.
fn next(model: &Model, fake: &mut FakeBackend, dice: &mut SeededRandom) -> Msg {
    if dice.one_in(3) && !fake.pending.is_empty() {
        // Now and then one that is not the oldest; those of one question keep their order.
        let at = if dice.one_in(10) { dice.below(fake.pending.len()) } else { 0 };
        let first = fake.pending.iter().position(|(req, _)| *req == fake.pending[at].0).unwrap();
        let (req, answer) = fake.pending.remove(first).unwrap();
        return Msg::Answer(req, answer);
    }
    match dice.below(400) {
        0 => Msg::Resized(dice.below(130).try_into().unwrap(), dice.below(50).try_into().unwrap()),
        1..=6 => Msg::Resized(80, 24),
        7 => Msg::Paste(
            ["file:///own/data", "prod/pay", "s3://b/p?host=h", "\u{8ba2}\u{5355}\n"][dice.below(4)].to_owned(),
        ),
        8 => Msg::Woken,
        9 => Msg::Key(Key::Char('q')),
        10 => Msg::Key(Key::Ctrl('c')),
        _ => match expected(model).filter(|_| dice.one_in(2)) {
            // A person who was asked for a name types it.
            Some(name) => Msg::Paste(name),
            None => Msg::Key(*dice.pick(&PRESSED)),
        },
    }
}

/// The name that is asked for, while nothing of it is typed.
fn expected(model: &Model) -> Option<String> {
    match &model.overlay {
        Some(Overlay::Confirm(question)) => {
            question.name.as_ref().filter(|name| name.text.value().is_empty()).map(|name| name.expected.clone())
        }
        Some(Overlay::SecretPrompt(ask)) if ask.text.value().is_empty() => Some("secret".to_owned()),
        _ => None,
    }
}

/// Draws it, in its own size and in one that the terminal has before the model knows.
fn draw(model: &Model, dice: &mut SeededRandom) {
    let other = (dice.below(120).try_into().unwrap(), dice.below(40).try_into().unwrap());
    for (columns, rows) in [model.size, other] {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let theme = Theme { color: true, ascii: false };
        terminal.draw(|frame| view(model, theme, fixtures::now(), frame)).unwrap();
    }
}

/// Presses so many keys.
fn run(seed: u64, keys: usize) -> Coverage {
    let mut dice = SeededRandom(seed);
    let (mut fake, mut tally, mut model) = (FakeBackend::new(), Coverage::default(), fresh());
    for effect in initial_effects(&mut model) {
        fake.take(effect, &mut dice);
    }
    let mut pressed = 0;
    while pressed < keys {
        let msg = next(&model, &mut fake, &mut dice);
        if let Msg::Key(_) = msg {
            pressed += 1;
            if pressed % 1_000 == 0 {
                draw(&model, &mut dice);
            }
        }
        let before = Before::of(&model, &msg);
        let effects = update(&mut model, msg);
        for (effect, name) in effects.iter().zip(names(&effects)) {
            before.judge(effect, &format!("seed {seed}, key {pressed}"));
            *tally.effects.entry(name).or_default() += 1;
        }
        tally.note(&model);
        if model.is_leaving {
            fake.pending.clear();
            model = fresh();
            for effect in initial_effects(&mut model) {
                fake.take(effect, &mut dice);
            }
            continue;
        }
        for effect in effects {
            fake.take(effect, &mut dice);
        }
    }
    tally
}

#[test]
fn random_keys_start_only_what_was_confirmed() {
    let seeds = (SEED..).take(RUNS);
    let runs: Vec<_> = seeds.map(|seed| std::thread::spawn(move || (seed, run(seed, KEYS / RUNS)))).collect();
    let mut all = Coverage::default();
    for run in runs {
        // A thread that panicked has said its seed and key.
        let (seed, tally) = run.join().unwrap_or_else(|_| panic!("a run from seed {SEED} on broke"));
        assert!(tally.screens.len() >= 7, "seed {seed}: {:?}", tally.screens);
        all.overlays.extend(tally.overlays);
        for (name, count) in tally.screens {
            *all.screens.entry(name).or_default() += count;
        }
        for (name, count) in tally.effects {
            *all.effects.entry(name).or_default() += count;
        }
    }
    for screen in ["Connection", "Target", "Detected", "Storage", "Mode", "Confirm", "Task", "Tasks"] {
        assert!(
            all.screens.get(screen).is_some_and(|count| *count > 1_000),
            "{screen} is hardly seen: {:?}",
            all.screens
        );
    }
    let overridden = "question Override(OneBuild)";
    for overlay in ["help", "question Leave", "question Start", overridden, "question Cancel", "ask login"] {
        assert!(all.overlays.contains(overlay), "{overlay} was never seen: {:?}", all.overlays);
    }
    for effect in
        ["Launch", "Prepare", "Detect", "GivePassword", "Follow", "Resume", "Cancel", "Attach", "Test", "Report"]
    {
        assert!(
            all.effects.get(effect).is_some_and(|count| *count > 20),
            "{effect} is hardly asked for: {:?}",
            all.effects
        );
    }
}
