//! The prompt for a secret, which is kept in memory until the wizard ends.

use super::{confirm, target, task};
use crate::wizard::effect::Effect;
use crate::wizard::form::Text;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Binding};
use crate::wizard::model::Model;

/// What a secret is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// To log in to this cluster.
    Login(String),
    /// The access key of the storage, for the start that was confirmed.
    AccessKeyToStart,
    /// A password of older backup sets, for the server's look at the storage in the plan that is shown.
    OlderPassword,
    /// The access key of the storage, for a Retry of the watched task.
    AccessKeyToRetry,
    /// The encryption password, for a Retry of the watched task.
    EncryptionToRetry,
    /// A password of older backup sets, for a Retry of the watched task.
    OlderPasswordToRetry,
}

/// A secret that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The name of the secret as it is shown.
    pub what: String,
    /// What it is for.
    pub asked: Asked,
    /// Why it is asked again.
    pub refused: Option<String>,
    /// What is typed.
    pub text: Text,
}

impl Ask {
    /// An empty field.
    #[must_use]
    pub fn new(what: String, asked: Asked, refused: Option<String>) -> Self {
        Self { what, asked, refused, text: Text::secret() }
    }
}

/// The keys while it is asked for.
pub const KEYS: [Binding; 3] = [
    Binding::new(&[Key::Enter], Action::Next, "use it", "go on with what was typed", 9),
    Binding::new(&[Key::Esc], Action::Back, "not now", "close the question", 8),
    Binding::new(&[Key::Ctrl('c')], Action::Quit, "quit", "end obnow", 2),
];

/// Does what a key means.
pub fn act(model: &mut Model, ask: Ask, action: Action) -> Vec<Effect> {
    if action != Action::Next {
        // Going straight in ends where the password is not given.
        model.straight = None;
        return Vec::new();
    }
    let Some(secret) = ask.text.as_secret() else {
        // An empty password is one: clusters for trying things out have none.
        return match ask.asked {
            Asked::Login(cluster) => unlock(model, &cluster, String::new()),
            Asked::OlderPassword => {
                model.notice = Some("No password was typed; the plan stays as it is.".to_owned());
                Vec::new()
            }
            Asked::AccessKeyToStart
            | Asked::AccessKeyToRetry
            | Asked::EncryptionToRetry
            | Asked::OlderPasswordToRetry => {
                model.notice = Some(format!("{} was not given; nothing was started.", ask.what));
                Vec::new()
            }
        };
    };
    match ask.asked {
        Asked::Login(cluster) => unlock(model, &cluster, secret.expose().to_owned()),
        Asked::AccessKeyToStart => confirm::launch_with(model, secret),
        Asked::OlderPassword => confirm::add_older_password(model, ask.text),
        Asked::AccessKeyToRetry => task::retry_with(model, |typed| typed.access_key = Some(secret)),
        Asked::EncryptionToRetry => task::retry_with(model, |typed| typed.encryption = Some(secret)),
        Asked::OlderPasswordToRetry => task::retry_with(model, |typed| typed.decryption.push(secret)),
    }
}

fn unlock(model: &mut Model, name: &str, password: String) -> Vec<Effect> {
    let Some(at) = model.places.get(name).copied() else {
        return Vec::new();
    };
    if let Some(cluster) = model.clusters.get_mut(at) {
        cluster.locked = false;
        cluster.answer = None;
    }
    let mut effects = vec![Effect::GivePassword(name.to_owned(), crate::domain::secret::Secret::new(password))];
    effects.extend(target::ask_one(model, name));
    target::refresh(model, at);
    effects
}
