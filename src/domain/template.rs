//! Paths with variables: how one storage gets a directory for every tenant and every kind.

use super::destination::{Destination, DestinationError};

mod clash;
#[cfg(test)]
mod tests;

pub use clash::{Clash, ClashKind, clashes};

/// What a directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirKind {
    /// Backup sets.
    Data,
    /// The archived log.
    Clog,
}

impl std::fmt::Display for DirKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Data => "data",
            Self::Clog => "clog",
        })
    }
}

/// A variable of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variable {
    /// The cluster's name.
    Cluster,
    /// The cluster's id.
    ClusterId,
    /// The tenant's name.
    Tenant,
    /// The tenant's id.
    TenantId,
    /// `data` or `clog`.
    Kind,
    /// `<task>.<attempt>`.
    Run,
}

impl Variable {
    /// Every variable.
    pub const ALL: [Self; 6] = [Self::Cluster, Self::ClusterId, Self::Tenant, Self::TenantId, Self::Kind, Self::Run];

    /// Returns the name that is written between braces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::ClusterId => "cluster_id",
            Self::Tenant => "tenant",
            Self::TenantId => "tenant_id",
            Self::Kind => "kind",
            Self::Run => "run",
        }
    }
}

/// The values of the variables; None where a variable does not apply.
#[derive(Debug, Clone, Default)]
pub struct Values<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// The cluster's id.
    pub cluster_id: Option<u64>,
    /// The tenant's name.
    pub tenant: Option<&'a str>,
    /// The tenant's id.
    pub tenant_id: Option<u64>,
    /// What the directory holds.
    pub kind: Option<DirKind>,
    /// `<task>.<attempt>`.
    pub run: Option<&'a str>,
}

impl Values<'_> {
    fn of(&self, variable: Variable) -> Option<String> {
        match variable {
            Variable::Cluster => Some(self.cluster.to_owned()),
            Variable::ClusterId => self.cluster_id.map(|id| id.to_string()),
            Variable::Tenant => self.tenant.map(str::to_owned),
            Variable::TenantId => self.tenant_id.map(|id| id.to_string()),
            Variable::Kind => self.kind.map(|kind| kind.to_string()),
            Variable::Run => self.run.map(str::to_owned),
        }
    }
}

/// The fault of a path with variables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A name between braces that is no variable.
    #[error(
        "{{{0}}} is not a variable. The variables are {{cluster}}, {{cluster_id}}, {{tenant}}, {{tenant_id}}, {{kind}} and {{run}}."
    )]
    UnknownVariable(String),
    /// A brace without its counterpart.
    #[error("The path has a brace without its other half. Write {{tenant_id}}, for example.")]
    LoneBrace,
    /// One path for several tenants, each of which needs its own.
    #[error(
        "The path {0} is one for several tenants, and each needs its own. Put {{tenant_id}} or {{tenant}} into it."
    )]
    OneForSeveralTenants(String),
    /// A variable of a tenant in the one destination of a full V2 or V3 cluster.
    #[error(
        "{{{0}}} does not go with a backup of the whole cluster before V4: the server makes the directories of the tenants itself. Take it out."
    )]
    NoTenantHere(&'static str),
    /// `{kind}` where the server appends data and clog itself.
    #[error(
        "{{kind}} does not go with a backup before V4: the server makes the directories for data and log itself. Take it out."
    )]
    NoKindHere,
    /// `{run}` anywhere but at the end of the path of a V3.2 tenant backup.
    #[error("The path of a tenant backup before V4 must end in {{run}}. Put it at the end.")]
    RunNotLast,
    /// A variable that has no value here.
    #[error("{{{0}}} stands for nothing here. Take it out.")]
    NoValue(&'static str),
    /// A value that is no directory name, and could lead out of the directory.
    #[error("{{{0}}} stands for a name that cannot be a directory. Use {{tenant_id}} or {{cluster_id}} instead.")]
    NotADirectory(&'static str),
    /// The path is refused, as it is written or once its variables are replaced.
    #[error(transparent)]
    Destination(#[from] DestinationError),
}

/// A destination whose path may have variables, all of which are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    destination: Destination,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(Variable),
}

impl Template {
    /// Parses the variables of a destination's path.
    ///
    /// # Errors
    /// A name that is no variable, or a brace without its counterpart.
    pub fn new(destination: Destination) -> Result<Self, TemplateError> {
        let pieces = pieces(destination.path())?;
        Ok(Self { destination, pieces })
    }

    /// Returns the destination as it is written.
    #[must_use]
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Whether the path has this variable.
    #[must_use]
    pub fn has(&self, variable: Variable) -> bool {
        self.pieces.contains(&Piece::Variable(variable))
    }

    /// Whether the path has any variable.
    #[must_use]
    pub fn has_variables(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Variable(_)))
    }

    /// Returns the directory for these values.
    ///
    /// # Errors
    /// A variable has no value, a value is no directory name (it is empty, `.` or `..`, or has `/`, `?` or `&` in it), or the
    /// server would not accept the path.
    pub fn expand(&self, values: &Values) -> Result<Destination, TemplateError> {
        let mut path = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => path.push_str(text),
                Piece::Variable(variable) => {
                    let value = values.of(*variable).ok_or(TemplateError::NoValue(variable.name()))?;
                    if value.is_empty() || value == "." || value == ".." || value.contains(['/', '?', '&']) {
                        return Err(TemplateError::NotADirectory(variable.name()));
                    }
                    path.push_str(&value);
                }
            }
        }
        Ok(self.destination.clone().with_path(&path)?)
    }

    /// Returns the template with `more` appended to its path.
    fn below(&self, more: &str) -> Result<Self, TemplateError> {
        let path = format!("{}/{more}", self.destination.path());
        Self::new(self.destination.clone().with_path(&path)?)
    }

    /// Appends `{kind}` to a path that has variables but not that one; any other path is used as written.
    fn with_kind(&self) -> Result<Self, TemplateError> {
        if self.has_variables() && !self.has(Variable::Kind) { self.below("{kind}") } else { Ok(self.clone()) }
    }

    fn names_the_tenant(&self) -> bool {
        self.has(Variable::TenantId) || self.has(Variable::Tenant)
    }
}

/// The two destinations of a V4 tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplatePair {
    /// The path of `DATA_BACKUP_DEST`.
    pub data: Template,
    /// The path of `LOG_ARCHIVE_DEST`.
    pub clog: Template,
}

impl TemplatePair {
    /// Derives the two from what was given. A storage alone and without variables is a base:
    /// `<base>/{cluster_id}/{tenant_id}/data` and `…/clog`. A path with variables gets `{kind}` appended where it is absent.
    /// Any other path is used as written.
    ///
    /// # Errors
    /// One path would serve several tenants, or the longer path is refused.
    pub fn v4(storage: &Template, archive: Option<&Template>, tenants: usize) -> Result<Self, TemplateError> {
        let pair = match archive {
            None if !storage.has_variables() => {
                let base = storage.below("{cluster_id}/{tenant_id}/{kind}")?;
                Self { data: base.clone(), clog: base }
            }
            None => {
                let both = storage.with_kind()?;
                Self { data: both.clone(), clog: both }
            }
            Some(archive) => Self { data: storage.with_kind()?, clog: archive.with_kind()? },
        };
        let shared = [&pair.data, &pair.clog].into_iter().find(|template| tenants > 1 && !template.names_the_tenant());
        match shared {
            Some(template) => Err(TemplateError::OneForSeveralTenants(template.destination.uri_without_attributes())),
            None => Ok(pair),
        }
    }

    /// Returns the directories of one tenant, for data and for log; this sets the `kind` of the values.
    ///
    /// # Errors
    /// As [`Template::expand`].
    pub fn expand(&self, values: &Values) -> Result<(Destination, Destination), TemplateError> {
        let of = |template: &Template, kind| template.expand(&Values { kind: Some(kind), ..values.clone() });
        Ok((of(&self.data, DirKind::Data)?, of(&self.clog, DirKind::Clog)?))
    }
}

/// Checks the one `backup_dest` of a V2 or V3 cluster, which has no tenant and no kind: the server appends those itself.
///
/// # Errors
/// The path has a variable for one of them.
pub fn v2_v3_cluster(storage: Template) -> Result<Template, TemplateError> {
    for variable in [Variable::Tenant, Variable::TenantId] {
        if storage.has(variable) {
            return Err(TemplateError::NoTenantHere(variable.name()));
        }
    }
    if storage.has(Variable::Kind) { Err(TemplateError::NoKindHere) } else { Ok(storage) }
}

/// Returns the `TO` of a V3.2 tenant backup, an empty directory each time: `{run}` is appended where it is absent.
///
/// # Errors
/// `{run}` is not at the end, or the path has `{kind}`.
pub fn v3_tenant(storage: Template) -> Result<Template, TemplateError> {
    if storage.has(Variable::Kind) {
        Err(TemplateError::NoKindHere)
    } else if storage.pieces.last() == Some(&Piece::Variable(Variable::Run)) {
        Ok(storage)
    } else if storage.has(Variable::Run) {
        Err(TemplateError::RunNotLast)
    } else {
        storage.below("{run}")
    }
}

fn pieces(path: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = path;
    while let Some(at) = rest.find(['{', '}']) {
        let (text, brace) = rest.split_at(at);
        let (name, after) =
            brace.strip_prefix('{').and_then(|inner| inner.split_once('}')).ok_or(TemplateError::LoneBrace)?;
        if name.contains('{') {
            return Err(TemplateError::LoneBrace);
        }
        let variable = Variable::ALL.into_iter().find(|variable| variable.name() == name);
        let variable = variable.ok_or_else(|| TemplateError::UnknownVariable(name.to_owned()))?;
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        pieces.push(Piece::Variable(variable));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}
