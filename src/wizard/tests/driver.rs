//! Drives the update function with keys and answers, and collects its effects.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::fixtures;
use crate::app::inventory_summary::InventorySummary;
use crate::app::prepare;
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::plan::Refusal;
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::model::{Model, RequestId, Screen};
use crate::wizard::msg::{Answer, Msg, PlanPreview};
use crate::wizard::update::{initial_effects, update};

/// A wizard under test.
pub struct Wizard {
    pub model: Model,
    /// What it asked for and was not told yet, oldest first.
    pub pending_effects: Vec<Effect>,
}

impl Wizard {
    /// One that has just begun: it reads the inventory.
    pub fn begun() -> Self {
        let mut model = Model::new((80, 24), TimeZone::UTC);
        let asked = initial_effects(&mut model);
        Self { model, pending_effects: asked }
    }

    /// The same with an inventory.
    pub fn on(known: InventorySummary) -> Self {
        let mut wizard = Self::begun();
        wizard.opened(Ok(known));
        wizard
    }

    /// On `prod` alone, which has answered so.
    pub fn with(facts: Facts) -> Self {
        let environment = facts.cluster.environment.clone();
        let listed = fixtures::cluster_summary(facts.cluster.name(), environment.as_deref(), false);
        let mut wizard = Self::on(fixtures::inventory_of(vec![listed]));
        let name = facts.cluster.name().to_owned();
        wizard.detected(&name, fixtures::answer(facts));
        wizard
    }

    /// One message; what it asks for is kept and returned.
    pub fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        let effects = update(&mut self.model, msg);
        self.pending_effects.extend(effects.iter().cloned());
        effects
    }

    /// One key.
    pub fn key(&mut self, key: Key) -> Vec<Effect> {
        self.tell(Msg::Key(key))
    }

    /// Keys by their names, characters by themselves: what the last one asked for.
    pub fn keys(&mut self, keys: &[&str]) -> Vec<Effect> {
        let mut last = Vec::new();
        for name in keys {
            last = self.key(key_of(name));
        }
        last
    }

    /// Types a text.
    pub fn types(&mut self, text: &str) {
        for c in text.chars() {
            let effects = self.key(Key::Char(c));
            assert!(effects.is_empty(), "{c} of {text} did {effects:?}");
        }
    }

    pub fn answer(&mut self, req: RequestId, answer: Answer) -> Vec<Effect> {
        self.tell(Msg::Answer(req, answer))
    }

    /// The inventory was read.
    pub fn opened(&mut self, known: Result<InventorySummary, Fault>) -> Vec<Effect> {
        let req = self.last(|effect| match effect {
            Effect::OpenInventory(req) => Some(*req),
            _ => None,
        });
        self.answer(req, Answer::InventoryOpened(Box::new(known)))
    }

    /// A cluster answers the last question for it.
    pub fn detected(&mut self, cluster: &str, facts: Result<Arc<Facts>, Fault>) -> Vec<Effect> {
        let req = self.last(|effect| match effect {
            Effect::Detect(req, names) if names.iter().any(|name| name == cluster) => Some(*req),
            _ => None,
        });
        self.answer(req, Answer::Detected { cluster: cluster.to_owned(), facts })
    }

    /// The last plan that was asked for is made, as it really is.
    pub fn prepared(&mut self) -> Vec<Effect> {
        let (req, facts, choices) = self.last(|effect| match effect {
            Effect::Prepare(req, facts, choices) => Some((*req, Arc::clone(facts), choices.clone())),
            _ => None,
        });
        let made = plan_preview(&facts, &choices, &format!("T{}", req.0));
        self.answer(req, Answer::Prepared(Box::new(made)))
    }

    /// The newest of what was asked for that is so.
    #[track_caller]
    pub fn last<T>(&self, which: impl Fn(&Effect) -> Option<T>) -> T {
        let found = self.pending_effects.iter().rev().find_map(which);
        found.unwrap_or_else(|| panic!("it was not asked for: {:#?}", names(&self.pending_effects)))
    }

    #[track_caller]
    pub fn is_on(&self, screen: Screen) -> &Self {
        assert_eq!(self.model.screen, screen, "{:?} {:?}", self.model.notice, self.model.overlay);
        self
    }

    #[track_caller]
    pub fn says(&self, notice: &str) -> &Self {
        assert_eq!(self.model.notice.as_deref(), Some(notice));
        self
    }

    /// From Target to Confirm by keys, the storage as it is found; the plan is made.
    pub fn goes_to_confirm(&mut self) -> &mut Self {
        for screen in [Screen::Detected, Screen::Storage, Screen::Mode, Screen::Confirm] {
            self.keys(&["Enter"]);
            self.is_on(screen);
        }
        self.prepared();
        self
    }
}

/// A plan as the wizard's own effects make it.
pub fn plan_preview(
    facts: &Facts,
    choices: &crate::domain::choices::Choices,
    task: &str,
) -> Result<PlanPreview, Box<Refusal>> {
    let prepared = prepare::prepare(facts, choices, task)?;
    let same_as = ["backup", &choices.targets[0].to_string(), "--mode", "full"].map(str::to_owned).to_vec();
    Ok(PlanPreview { prepared, equivalent_command: same_as })
}

/// A key by the name it has on screen.
#[track_caller]
pub fn key_of(name: &str) -> Key {
    let named = [
        Key::Enter,
        Key::Esc,
        Key::Tab,
        Key::BackTab,
        Key::Up,
        Key::Down,
        Key::Left,
        Key::Right,
        Key::Home,
        Key::End,
        Key::PageUp,
        Key::PageDown,
        Key::Backspace,
        Key::Delete,
        Key::Char(' '),
        Key::Ctrl('c'),
        Key::Ctrl('u'),
        Key::Ctrl('z'),
    ];
    let single = || {
        let mut chars = name.chars();
        chars.next().filter(|_| chars.next().is_none()).map(Key::Char)
    };
    named
        .into_iter()
        .find(|key| key.name() == name)
        .or_else(single)
        .unwrap_or_else(|| panic!("no key is called {name}"))
}

/// What was asked for, by name: `Detect(2, ["prod"])` is `Detect`.
pub fn names(effects: &[Effect]) -> Vec<String> {
    effects.iter().map(name).collect()
}

/// Takes the first word of what is written, and no more: the whole of a plan is long.
struct Head(String);

impl std::fmt::Write for Head {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let word: String = text.chars().take_while(|c| c.is_alphanumeric()).collect();
        self.0.push_str(&word);
        if word.len() == text.len() { Ok(()) } else { Err(std::fmt::Error) }
    }
}

fn name(effect: &Effect) -> String {
    let mut head = Head(String::new());
    let _ = std::fmt::write(&mut head, format_args!("{effect:?}"));
    head.0
}
