//! The prompt for a secret, which is kept in memory until the wizard ends.

use super::{confirm, target, task};
use crate::wizard::effect::Effect;
use crate::wizard::key::Key;
use crate::wizard::keymap::{Action, Binding};
use crate::wizard::model::Model;
use crate::wizard::text_field::TextField;

/// What a secret is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPurpose {
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
pub struct SecretPrompt {
    /// The name of the secret as it is shown.
    pub label: String,
    /// What it is for.
    pub purpose: SecretPurpose,
    /// Why it is asked again.
    pub last_error: Option<String>,
    /// What is typed.
    pub text: TextField,
}

impl SecretPrompt {
    /// An empty field.
    #[must_use]
    pub fn new(what: String, asked: SecretPurpose, refused: Option<String>) -> Self {
        Self { label: what, purpose: asked, last_error: refused, text: TextField::new_secret() }
    }
}

/// The keys while it is asked for.
pub const KEYS: [Binding; 3] = [
    Binding::new(&[Key::Enter], Action::Next, "use it", "go on with what was typed", 9),
    Binding::new(&[Key::Esc], Action::Back, "not now", "close the question", 8),
    Binding::new(&[Key::Ctrl('c')], Action::Quit, "quit", "end obnow", 2),
];

/// Does what a key means.
pub fn handle_action(model: &mut Model, ask: SecretPrompt, action: Action) -> Vec<Effect> {
    if action != Action::Next {
        // Going straight in ends where the password is not given.
        model.initial_target = None;
        return Vec::new();
    }
    let Some(secret) = ask.text.as_secret() else {
        // An empty password is one: clusters for trying things out have none.
        return match ask.purpose {
            SecretPurpose::Login(cluster) => use_password(model, &cluster, String::new()),
            SecretPurpose::OlderPassword => {
                model.notice = Some("No password was typed; the plan stays as it is.".to_owned());
                Vec::new()
            }
            SecretPurpose::AccessKeyToStart
            | SecretPurpose::AccessKeyToRetry
            | SecretPurpose::EncryptionToRetry
            | SecretPurpose::OlderPasswordToRetry => {
                model.notice = Some(format!("{} was not given; nothing was started.", ask.label));
                Vec::new()
            }
        };
    };
    match ask.purpose {
        SecretPurpose::Login(cluster) => use_password(model, &cluster, secret.expose().to_owned()),
        SecretPurpose::AccessKeyToStart => confirm::launch_with(model, secret),
        SecretPurpose::OlderPassword => confirm::add_older_password(model, ask.text),
        SecretPurpose::AccessKeyToRetry => task::retry_with(model, |typed| typed.access_key = Some(secret)),
        SecretPurpose::EncryptionToRetry => task::retry_with(model, |typed| typed.encryption = Some(secret)),
        SecretPurpose::OlderPasswordToRetry => task::retry_with(model, |typed| typed.decryption.push(secret)),
    }
}

fn use_password(model: &mut Model, name: &str, password: String) -> Vec<Effect> {
    let Some(at) = model.cluster_indexes.get(name).copied() else {
        return Vec::new();
    };
    if let Some(cluster) = model.clusters.get_mut(at) {
        cluster.needs_password = false;
        cluster.answer = None;
    }
    let mut effects = vec![Effect::GivePassword(name.to_owned(), crate::domain::secret::Secret::new(password))];
    effects.extend(target::detect_one(model, name));
    target::refresh(model, at);
    effects
}
