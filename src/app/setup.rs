//! The inventory as a file: the example written, a first cluster tried and written, and what is there shown.

use std::path::PathBuf;

use super::{AppContext, detect};
use crate::config::first::FirstCluster;
use crate::config::{self, Places};
use crate::domain::endpoint::parse_endpoints;
use crate::domain::facts::Facts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::{Secret, SecretSource};

/// A cluster that somebody types in before there is an inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCluster {
    /// The name it is called by; empty: its host.
    pub name: String,
    /// `host[:port]`, or several with commas between.
    pub host: String,
    /// `root@sys`.
    pub user: String,
    /// Its environment, such as `prod`.
    pub environment: Option<String>,
    /// No password was typed: the login has none.
    pub no_password: bool,
}

/// The invalid field of a [`NewCluster`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidField {
    /// The name.
    Name,
    /// The host.
    Host,
    /// The user, or the environment.
    User,
}

impl NewCluster {
    /// Returns the first invalid field and why, in one sentence; `Lost` if all are valid.
    #[must_use]
    pub fn validation_error(&self) -> Option<(InvalidField, String)> {
        if self.host.trim().is_empty() {
            return Some((InvalidField::Host, "Enter the host of an observer or of OBProxy.".to_owned()));
        }
        let first = match self.to_first_cluster() {
            Ok(first) => first,
            Err(why) => return Some((InvalidField::Host, format!("{why}."))),
        };
        let (field, why) = first.breach()?;
        match field.as_str() {
            "name" => Some((InvalidField::Name, format!("The name {}.", why.trim_start_matches("a name ")))),
            field => Some((InvalidField::User, format!("The {field} cannot be used: {why}."))),
        }
    }

    fn to_first_cluster(&self) -> Result<FirstCluster, String> {
        let endpoints = parse_endpoints(self.host.trim())?;
        let first = endpoints.first().map_or_else(String::new, |endpoint| endpoint.host.clone());
        let name = if self.name.trim().is_empty() { first } else { self.name.trim().to_owned() };
        Ok(FirstCluster {
            name,
            environment: self.environment.clone(),
            endpoints,
            user: self.user.trim().to_owned(),
            password: self.no_password.then_some(SecretSource::NoPassword),
        })
    }

    /// Returns the cluster's name: the one typed, else its host.
    #[must_use]
    pub fn display_name(&self) -> String {
        self.to_first_cluster().map_or_else(|_| self.name.clone(), |first| first.name)
    }

    fn validated(&self) -> Result<FirstCluster, Fault> {
        self.to_first_cluster()
            .map_err(|why| Fault::new(Cause::Usage, "The host is no endpoint.", format!("{why}."), "Write host:port."))
    }
}

/// A context of one cluster that is in no inventory, and its password.
///
/// # Errors
/// The host is none, or the state directory cannot be told.
pub fn context_for(
    config: Option<PathBuf>,
    state: Option<PathBuf>,
    new: &NewCluster,
    password: Secret,
) -> Result<AppContext, Fault> {
    let first = new.validated()?;
    let name = first.name.clone();
    let context = AppContext::from_parts(Places::find(config, state)?, first.inventory(), true).without_prompts();
    context.give_password(&name, password);
    Ok(context)
}

/// Connects to the first cluster of the context and detects it.
///
/// # Errors
/// The connection, the login, or what answers is no OceanBase.
pub async fn try_connect(context: &AppContext) -> Result<Facts, Fault> {
    match context.inventory.clusters.first() {
        Some(cluster) => detect::one(context, cluster).await,
        None => Err(Fault::new(Cause::Usage, "There is no cluster.", "None was typed.", "Type its host.")),
    }
}

/// Writes the cluster into a new inventory, without its password, and opens that.
///
/// # Errors
/// There is an inventory already that says something else, or it cannot be written.
pub fn save(
    config: Option<PathBuf>,
    state: Option<PathBuf>,
    new: &NewCluster,
    password: Secret,
) -> Result<AppContext, Fault> {
    let first = new.validated()?;
    let places = Places::find(config.clone(), state.clone())?;
    first.write(&places.config)?;
    let context = AppContext::open(config, state, None)?.without_prompts();
    context.give_password(&first.name, password);
    Ok(context)
}

/// Writes the commented example where no inventory is, and says where.
///
/// # Errors
/// There is one already, or it cannot be written.
pub fn write_example(config: Option<PathBuf>, state: Option<PathBuf>) -> Result<PathBuf, Fault> {
    let places = Places::find(config, state)?;
    config::init(&places.config)?;
    Ok(places.config)
}

/// Returns the parsed inventory as text, without secrets.
///
/// # Errors
/// There is none.
pub fn render_inventory(context: &AppContext) -> Result<String, Fault> {
    if !context.has_inventory {
        return Err(Fault::new(
            Cause::Usage,
            "There is no inventory.",
            format!("{} is not there.", context.directories.config.display()),
            "Write one with: obnow config init.",
        ));
    }
    config::show(&context.inventory)
}
