//! The form of the first connection, where there is no inventory: it is tried, saved, and used.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::app::known::Known;
use crate::app::setup::{NewCluster, WrongPart};
use crate::domain::command_line::given;
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::secret::{NONE, Secret};
use crate::wizard::effect::Effect;
use crate::wizard::form::Text;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::{Model, Req};

#[cfg(test)]
mod tests;

/// The environments that are offered. `prod` asks for the target's name before anything is interrupted.
pub const ENVIRONMENTS: [&str; 5] = ["", "prod", "staging", "test", "dev"];

/// The user of the whole cluster.
const USER: &str = "root@sys";

/// A connection that was typed.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name the cluster will have in the inventory; empty: its host.
    pub name: String,
    /// `host[:port]`.
    pub host: String,
    /// `root@sys`.
    pub user: String,
    /// Its password; it is kept in memory and not saved.
    pub password: Secret,
    /// The environment, such as `prod`; empty: none.
    pub environment: String,
}

impl Login {
    /// The cluster it leads to.
    #[must_use]
    pub fn cluster(&self) -> NewCluster {
        NewCluster {
            name: self.name.clone(),
            host: self.host.clone(),
            user: self.user.clone(),
            environment: Some(self.environment.clone()).filter(|name| !name.is_empty()),
            no_password: self.password.is_empty(),
        }
    }
}

/// What has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stop {
    /// The name.
    #[default]
    Name,
    /// The host.
    Host,
    /// The user.
    User,
    /// The password.
    Password,
    /// The environment.
    Environment,
    /// Connect and save.
    Save,
    /// Connect, and save nothing.
    Use,
}

impl Stop {
    /// In order.
    pub const ALL: [Self; 7] =
        [Self::Name, Self::Host, Self::User, Self::Password, Self::Environment, Self::Save, Self::Use];
}

/// What to do with a connection that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Write it into an inventory.
    Save,
    /// Use it without writing it.
    Use,
}

/// How far it is.
#[derive(Debug, Clone, Default)]
pub enum Phase {
    /// The connection is being typed.
    #[default]
    Typing,
    /// The connection is being tried.
    Trying(Req, Box<Login>, Then),
    /// The connection works, and is being saved or used.
    Saving(Req, Box<Login>, Then, Arc<Facts>),
}

/// The form.
#[derive(Debug, Clone)]
pub struct Connect {
    /// The name the cluster will have.
    pub name: Text,
    /// `host[:port]`.
    pub host: Text,
    /// The user.
    pub user: Text,
    /// The password.
    pub password: Text,
    /// The place of the environment among [`ENVIRONMENTS`].
    pub environment: usize,
    /// What has the focus.
    pub focus: Stop,
    /// The fields that were left once.
    visited: BTreeSet<Stop>,
    /// How far it is.
    pub phase: Phase,
    /// Why it did not work.
    pub fault: Option<Fault>,
    /// The cluster whose password was typed here and is not asked for again.
    pub unlocked: Option<String>,
}

impl Default for Connect {
    fn default() -> Self {
        Self {
            name: Text::default(),
            host: Text::default(),
            user: Text::new(USER),
            password: Text::secret(),
            environment: 0,
            focus: Stop::Name,
            visited: BTreeSet::new(),
            phase: Phase::Typing,
            fault: None,
            unlocked: None,
        }
    }
}

impl Connect {
    /// Whether printable keys are text.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        matches!(self.focus, Stop::Name | Stop::Host | Stop::User | Stop::Password)
    }

    /// Whether something was typed.
    #[must_use]
    pub fn is_touched(&self) -> bool {
        let typed = [&self.name, &self.host, &self.password].iter().any(|text| !text.value().is_empty());
        typed || self.user.value() != USER || self.environment != 0
    }

    /// The text of a field.
    #[must_use]
    pub fn text(&self, stop: Stop) -> Option<&Text> {
        match stop {
            Stop::Name => Some(&self.name),
            Stop::Host => Some(&self.host),
            Stop::User => Some(&self.user),
            Stop::Password => Some(&self.password),
            Stop::Environment | Stop::Save | Stop::Use => None,
        }
    }

    fn text_mut(&mut self) -> Option<&mut Text> {
        match self.focus {
            Stop::Name => Some(&mut self.name),
            Stop::Host => Some(&mut self.host),
            Stop::User => Some(&mut self.user),
            Stop::Password => Some(&mut self.password),
            Stop::Environment | Stop::Save | Stop::Use => None,
        }
    }

    /// What is typed. What is not saved is called by its host, as `--host` would call it.
    fn login(&self, then: Then) -> Login {
        let name = match then {
            Then::Save => self.name.value().trim().to_owned(),
            Then::Use => String::new(),
        };
        Login {
            name,
            host: self.host.value().trim().to_owned(),
            user: self.user.value().trim().to_owned(),
            password: Secret::new(self.password.value().to_owned()),
            environment: ENVIRONMENTS.get(self.environment).copied().unwrap_or_default().to_owned(),
        }
    }

    /// The field with which something is wrong, and what.
    #[must_use]
    pub fn complaint(&self) -> Option<(Stop, String)> {
        let (part, why) = self.login(Then::Save).cluster().complaint()?;
        let stop = match part {
            WrongPart::Name => Stop::Name,
            WrongPart::Host => Stop::Host,
            WrongPart::User => Stop::User,
        };
        Some((stop, why))
    }

    /// Returns the validation error of a field that was left once.
    #[must_use]
    pub fn shown_complaint(&self, stop: Stop) -> Option<String> {
        let (wrong, why) = self.complaint()?;
        (wrong == stop && self.visited.contains(&stop)).then_some(why)
    }

    /// Whether an answer is waited for.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        match self.phase {
            Phase::Typing => false,
            Phase::Trying(..) | Phase::Saving(..) => true,
        }
    }

    fn go_to(&mut self, stop: Stop) {
        if stop != self.focus {
            self.visited.insert(self.focus);
        }
        self.focus = stop;
    }

    /// Something is different: what was tried is not what is typed any more.
    fn changed(&mut self) {
        self.fault = None;
        if let Phase::Trying(..) = self.phase {
            self.phase = Phase::Typing;
        }
    }
}

/// The keys of the screen.
pub const KEYS: [Binding; 5] = [
    Binding::new(&[Key::Enter], Action::NextField, "next field", "to the next field", 8)
        .when(|model| Availability::shown(!is_on_button(model))),
    Binding::new(&[Key::Enter], Action::Next, "connect", "try the connection", 8).when(|model| {
        match (is_on_button(model), model.connect.is_waiting()) {
            (false, _) => Availability::Hidden,
            (true, true) => Availability::Off("It is being tried; Esc stops waiting.".to_owned()),
            (true, false) => Availability::Ready,
        }
    }),
    Binding::new(&[Key::Char(' ')], Action::Choose, "choose", "the next environment, or press the button", 5),
    Binding::new(&[Key::Esc], Action::Cancel, "stop waiting", "stop waiting for the answer", 7)
        .when(|model| Availability::shown(matches!(model.connect.phase, Phase::Trying(..)))),
    Binding::new(&[Key::Esc], Action::Back, "back", "there is nothing to go back to", 0).when(|model| {
        match model.connect.phase {
            Phase::Trying(..) => Availability::Hidden,
            Phase::Typing | Phase::Saving(..) => {
                Availability::Off("This is the first screen; Ctrl-C ends obnow.".to_owned())
            }
        }
    }),
];

/// The last field and the buttons connect.
fn is_on_button(model: &Model) -> bool {
    matches!(model.connect.focus, Stop::Environment | Stop::Save | Stop::Use)
}

/// Does what a key means.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let connect = &mut model.connect;
    let at = Stop::ALL.iter().position(|stop| *stop == connect.focus).unwrap_or(0);
    let count = Stop::ALL.len();
    let stop = |at: usize| Stop::ALL.get(at % count).copied().unwrap_or_default();
    match (action, connect.focus) {
        (Action::NextField, _) => connect.go_to(stop(at + 1)),
        (Action::PreviousField, _) => connect.go_to(stop(at + count - 1)),
        (Action::Right | Action::Choose, Stop::Environment) => turn(connect, 1),
        (Action::Left, Stop::Environment) => turn(connect, ENVIRONMENTS.len() - 1),
        (Action::Cancel, _) => {
            connect.phase = Phase::Typing;
            model.notice = Some("Nobody waits for the answer any more; nothing was saved.".to_owned());
        }
        (Action::Next | Action::Choose, Stop::Use) => return attempt(model, Then::Use),
        (Action::Next, Stop::Environment) | (Action::Next | Action::Choose, Stop::Save) => {
            return attempt(model, Then::Save);
        }
        _ => {}
    }
    Vec::new()
}

fn turn(connect: &mut Connect, by: usize) {
    connect.environment = (connect.environment + by) % ENVIRONMENTS.len();
    connect.changed();
}

/// Tries what is typed, or goes to what is wrong with it.
fn attempt(model: &mut Model, then: Then) -> Vec<Effect> {
    if model.connect.is_waiting() {
        model.notice = Some("It is being tried; Esc stops waiting.".to_owned());
        return Vec::new();
    }
    let connect = &mut model.connect;
    connect.visited.extend(Stop::ALL);
    let wrong = connect.complaint().filter(|(stop, _)| then == Then::Save || *stop != Stop::Name);
    if let Some((stop, why)) = wrong {
        connect.go_to(stop);
        model.notice = Some(why);
        return Vec::new();
    }
    let login = Box::new(connect.login(then));
    let req = model.next_req();
    model.connect.fault = None;
    model.connect.phase = Phase::Trying(req, login.clone(), then);
    vec![Effect::Try(req, login)]
}

/// A key while text is typed; whether it was one for it.
pub fn typed(model: &mut Model, key: Key) -> bool {
    change(&mut model.connect, |text| text.key(key)).unwrap_or(false)
}

/// Pastes into the focused field.
pub fn pasted(model: &mut Model, text: &str) {
    let _ = change(&mut model.connect, |field| field.paste(text));
}

fn change<T>(connect: &mut Connect, with: impl FnOnce(&mut Text) -> T) -> Option<T> {
    let text = connect.text_mut()?;
    let before = text.value().to_owned();
    let done = with(text);
    if before != text.value() {
        connect.changed();
    }
    Some(done)
}

/// The connection was tried: what works is saved, or used as it is.
pub fn tried(model: &mut Model, req: Req, facts: Result<Arc<Facts>, Fault>) -> Vec<Effect> {
    let Phase::Trying(asked, login, then) = &model.connect.phase else { return Vec::new() };
    if *asked != req {
        return Vec::new();
    }
    let (login, then) = (login.clone(), *then);
    match facts {
        Err(fault) => {
            model.connect.phase = Phase::Typing;
            model.connect.fault = Some(fault);
            Vec::new()
        }
        Ok(facts) => {
            let req = model.next_req();
            model.connect.phase = Phase::Saving(req, login.clone(), then, facts);
            match then {
                Then::Save => vec![Effect::Save(req, login)],
                Then::Use => vec![Effect::Use(req, login)],
            }
        }
    }
}

/// It was saved: the inventory as it is now, where that went well.
pub fn saved(model: &mut Model, req: Req, known: Result<Known, Fault>) -> Option<Known> {
    let Phase::Saving(asked, login, then, _) = &model.connect.phase else { return None };
    if *asked != req {
        return None;
    }
    let (login, then) = (login.clone(), *then);
    match known {
        Err(fault) => {
            model.connect.phase = Phase::Typing;
            model.connect.fault = Some(fault);
            model.connect.go_to(Stop::Use);
            None
        }
        Ok(known) => {
            let unlocked = Some(login.cluster().called());
            model.connect = Connect { unlocked, ..Connect::default() };
            match then {
                Then::Save if login.password.is_empty() => {
                    model.notice = Some(format!("Saved to {}; the login has no password.", known.path));
                }
                Then::Save => model.notice = Some(format!("Saved to {}, without the password.", known.path)),
                Then::Use => {
                    model.notice = Some("Nothing was saved.".to_owned());
                    model.reach.extend(given("--host", login.host));
                    model.reach.extend(given("--user", login.user));
                    if login.password.is_empty() {
                        model.reach.extend(given("--password-from", NONE.to_owned()));
                    }
                }
            }
            Some(known)
        }
    }
}
