//! The form of the first connection, where there is no inventory: it is tried, saved, and used.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::app::inventory_summary::InventorySummary;
use crate::app::setup::{InvalidField, NewCluster};
use crate::domain::command_line::quoted_command;
use crate::domain::facts::Facts;
use crate::domain::fault::Fault;
use crate::domain::secret::{NONE, Secret};
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Availability, Binding};
use crate::wizard::model::{Model, RequestId};
use crate::wizard::text_field::TextField;

#[cfg(test)]
mod tests;

/// The environments that are offered. `prod` asks for the target's name before anything is interrupted.
pub const ENVIRONMENTS: [&str; 5] = ["", "prod", "staging", "test", "dev"];

/// The user of the whole cluster.
const DEFAULT_USER: &str = "root@sys";

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
pub enum ConnectFocus {
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

impl ConnectFocus {
    /// In order.
    pub const ALL: [Self; 7] =
        [Self::Name, Self::Host, Self::User, Self::Password, Self::Environment, Self::Save, Self::Use];
}

/// What to do with a connection that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterConnect {
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
    Trying(RequestId, Box<Login>, AfterConnect),
    /// The connection works, and is being saved or used.
    Saving(RequestId, Box<Login>, AfterConnect, Arc<Facts>),
}

/// The form.
#[derive(Debug, Clone)]
pub struct ConnectScreen {
    /// The name the cluster will have.
    pub name: TextField,
    /// `host[:port]`.
    pub host: TextField,
    /// The user.
    pub user: TextField,
    /// The password.
    pub password: TextField,
    /// The place of the environment among [`ENVIRONMENTS`].
    pub environment: usize,
    /// What has the focus.
    pub focus: ConnectFocus,
    /// The fields that were left once.
    visited: BTreeSet<ConnectFocus>,
    /// How far it is.
    pub phase: Phase,
    /// Why it did not work.
    pub fault: Option<Fault>,
    /// The cluster whose password was typed here and is not asked for again.
    pub password_given_for: Option<String>,
}

impl Default for ConnectScreen {
    fn default() -> Self {
        Self {
            name: TextField::default(),
            host: TextField::default(),
            user: TextField::new(DEFAULT_USER),
            password: TextField::new_secret(),
            environment: 0,
            focus: ConnectFocus::Name,
            visited: BTreeSet::new(),
            phase: Phase::Typing,
            fault: None,
            password_given_for: None,
        }
    }
}

impl ConnectScreen {
    /// Whether printable keys are text.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        matches!(self.focus, ConnectFocus::Name | ConnectFocus::Host | ConnectFocus::User | ConnectFocus::Password)
    }

    /// Whether something was typed.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        let typed = [&self.name, &self.host, &self.password].iter().any(|text| !text.value().is_empty());
        typed || self.user.value() != DEFAULT_USER || self.environment != 0
    }

    /// The text of a field.
    #[must_use]
    pub fn text(&self, stop: ConnectFocus) -> Option<&TextField> {
        match stop {
            ConnectFocus::Name => Some(&self.name),
            ConnectFocus::Host => Some(&self.host),
            ConnectFocus::User => Some(&self.user),
            ConnectFocus::Password => Some(&self.password),
            ConnectFocus::Environment | ConnectFocus::Save | ConnectFocus::Use => None,
        }
    }

    fn text_mut(&mut self) -> Option<&mut TextField> {
        match self.focus {
            ConnectFocus::Name => Some(&mut self.name),
            ConnectFocus::Host => Some(&mut self.host),
            ConnectFocus::User => Some(&mut self.user),
            ConnectFocus::Password => Some(&mut self.password),
            ConnectFocus::Environment | ConnectFocus::Save | ConnectFocus::Use => None,
        }
    }

    /// What is typed. What is not saved is called by its host, as `--host` would call it.
    fn login(&self, then: AfterConnect) -> Login {
        let name = match then {
            AfterConnect::Save => self.name.value().trim().to_owned(),
            AfterConnect::Use => String::new(),
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
    pub fn validation_error(&self) -> Option<(ConnectFocus, String)> {
        let (part, why) = self.login(AfterConnect::Save).cluster().validation_error()?;
        let stop = match part {
            InvalidField::Name => ConnectFocus::Name,
            InvalidField::Host => ConnectFocus::Host,
            InvalidField::User => ConnectFocus::User,
        };
        Some((stop, why))
    }

    /// Returns the validation error of a field that was left once.
    #[must_use]
    pub fn visible_error(&self, stop: ConnectFocus) -> Option<String> {
        let (wrong, why) = self.validation_error()?;
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

    fn move_focus(&mut self, stop: ConnectFocus) {
        if stop != self.focus {
            self.visited.insert(self.focus);
        }
        self.focus = stop;
    }

    /// Something is different: what was tried is not what is typed any more.
    fn clear_result(&mut self) {
        self.fault = None;
        if let Phase::Trying(..) = self.phase {
            self.phase = Phase::Typing;
        }
    }
}

/// The keys of the screen.
pub const KEYS: [Binding; 5] = [
    Binding::new(&[Key::Enter], Action::NextField, "next field", "to the next field", 8)
        .when(|model| Availability::ready_or_hidden(!is_on_button(model))),
    Binding::new(&[Key::Enter], Action::Next, "connect", "try the connection", 8).when(|model| {
        match (is_on_button(model), model.connect.is_waiting()) {
            (false, _) => Availability::Hidden,
            (true, true) => Availability::Unavailable("It is being tried; Esc stops waiting.".to_owned()),
            (true, false) => Availability::Ready,
        }
    }),
    Binding::new(&[Key::Char(' ')], Action::Choose, "choose", "the next environment, or press the button", 5),
    Binding::new(&[Key::Esc], Action::Cancel, "stop waiting", "stop waiting for the answer", 7)
        .when(|model| Availability::ready_or_hidden(matches!(model.connect.phase, Phase::Trying(..)))),
    Binding::new(&[Key::Esc], Action::Back, "back", "there is nothing to go back to", 0).when(|model| {
        match model.connect.phase {
            Phase::Trying(..) => Availability::Hidden,
            Phase::Typing | Phase::Saving(..) => {
                Availability::Unavailable("This is the first screen; Ctrl-C ends obnow.".to_owned())
            }
        }
    }),
];

/// The last field and the buttons connect.
fn is_on_button(model: &Model) -> bool {
    matches!(model.connect.focus, ConnectFocus::Environment | ConnectFocus::Save | ConnectFocus::Use)
}

/// Does what a key means.
pub fn handle_action(model: &mut Model, action: Action) -> Vec<Effect> {
    let connect = &mut model.connect;
    let at = ConnectFocus::ALL.iter().position(|stop| *stop == connect.focus).unwrap_or(0);
    let count = ConnectFocus::ALL.len();
    let stop = |at: usize| ConnectFocus::ALL.get(at % count).copied().unwrap_or_default();
    match (action, connect.focus) {
        (Action::NextField, _) => connect.move_focus(stop(at + 1)),
        (Action::PreviousField, _) => connect.move_focus(stop(at + count - 1)),
        (Action::Right | Action::Choose, ConnectFocus::Environment) => cycle_environment(connect, 1),
        (Action::Left, ConnectFocus::Environment) => cycle_environment(connect, ENVIRONMENTS.len() - 1),
        (Action::Cancel, _) => {
            connect.phase = Phase::Typing;
            model.notice = Some("Nobody waits for the answer any more; nothing was saved.".to_owned());
        }
        (Action::Next | Action::Choose, ConnectFocus::Use) => return try_connection(model, AfterConnect::Use),
        (Action::Next, ConnectFocus::Environment) | (Action::Next | Action::Choose, ConnectFocus::Save) => {
            return try_connection(model, AfterConnect::Save);
        }
        _ => {}
    }
    Vec::new()
}

fn cycle_environment(connect: &mut ConnectScreen, by: usize) {
    connect.environment = (connect.environment + by) % ENVIRONMENTS.len();
    connect.clear_result();
}

/// Tries what is typed, or goes to what is wrong with it.
fn try_connection(model: &mut Model, then: AfterConnect) -> Vec<Effect> {
    if model.connect.is_waiting() {
        model.notice = Some("It is being tried; Esc stops waiting.".to_owned());
        return Vec::new();
    }
    let connect = &mut model.connect;
    connect.visited.extend(ConnectFocus::ALL);
    let wrong =
        connect.validation_error().filter(|(stop, _)| then == AfterConnect::Save || *stop != ConnectFocus::Name);
    if let Some((stop, why)) = wrong {
        connect.move_focus(stop);
        model.notice = Some(why);
        return Vec::new();
    }
    let login = Box::new(connect.login(then));
    let req = model.next_request_id();
    model.connect.fault = None;
    model.connect.phase = Phase::Trying(req, login.clone(), then);
    vec![Effect::TryConnection(req, login)]
}

/// A key while text is typed; whether it was one for it.
pub fn handle_key(model: &mut Model, key: Key) -> bool {
    edit_focused_text(&mut model.connect, |text| text.handle_key(key)).unwrap_or(false)
}

/// Pastes into the focused field.
pub fn handle_paste(model: &mut Model, text: &str) {
    let _ = edit_focused_text(&mut model.connect, |field| field.paste(text));
}

fn edit_focused_text<T>(connect: &mut ConnectScreen, with: impl FnOnce(&mut TextField) -> T) -> Option<T> {
    let text = connect.text_mut()?;
    let before = text.value().to_owned();
    let done = with(text);
    if before != text.value() {
        connect.clear_result();
    }
    Some(done)
}

/// The connection was tried: what works is saved, or used as it is.
pub fn handle_tried(model: &mut Model, req: RequestId, facts: Result<Arc<Facts>, Fault>) -> Vec<Effect> {
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
            let req = model.next_request_id();
            model.connect.phase = Phase::Saving(req, login.clone(), then, facts);
            match then {
                AfterConnect::Save => vec![Effect::SaveConnection(req, login)],
                AfterConnect::Use => vec![Effect::UseConnection(req, login)],
            }
        }
    }
}

/// It was saved: the inventory as it is now, where that went well.
pub fn handle_saved(
    model: &mut Model,
    req: RequestId,
    known: Result<InventorySummary, Fault>,
) -> Option<InventorySummary> {
    let Phase::Saving(asked, login, then, _) = &model.connect.phase else { return None };
    if *asked != req {
        return None;
    }
    let (login, then) = (login.clone(), *then);
    match known {
        Err(fault) => {
            model.connect.phase = Phase::Typing;
            model.connect.fault = Some(fault);
            model.connect.move_focus(ConnectFocus::Use);
            None
        }
        Ok(known) => {
            let unlocked = Some(login.cluster().display_name());
            model.connect = ConnectScreen { password_given_for: unlocked, ..ConnectScreen::default() };
            match then {
                AfterConnect::Save if login.password.is_empty() => {
                    model.notice = Some(format!("Saved to {}; the login has no password.", known.path));
                }
                AfterConnect::Save => model.notice = Some(format!("Saved to {}, without the password.", known.path)),
                AfterConnect::Use => {
                    model.notice = Some("Nothing was saved.".to_owned());
                    model.global_args.extend(quoted_command("--host", login.host));
                    model.global_args.extend(quoted_command("--user", login.user));
                    if login.password.is_empty() {
                        model.global_args.extend(quoted_command("--password-from", NONE.to_owned()));
                    }
                }
            }
            Some(known)
        }
    }
}
