//! Paths with variables: how one storage becomes a directory for every tenant and every kind.

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
    /// Every variable there is.
    pub const ALL: [Self; 6] = [Self::Cluster, Self::ClusterId, Self::Tenant, Self::TenantId, Self::Kind, Self::Run];

    /// As it is written between braces.
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

/// What the variables stand for; what does not apply is absent.
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

/// What is wrong with a path with variables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A name between braces that stands for nothing.
    #[error(
        "{{{0}}} is not a variable. The variables are {{cluster}}, {{cluster_id}}, {{tenant}}, {{tenant_id}}, {{kind}} and {{run}}."
    )]
    UnknownVariable(String),
    /// A brace without its other half.
    #[error("The path has a brace without its other half. Write {{tenant_id}}, for example.")]
    LoneBrace,
    /// One path for several tenants.
    #[error(
        "The path {0} is one for several tenants, and each needs its own. Put {{tenant_id}} or {{tenant}} into it."
    )]
    OneForSeveralTenants(String),
    /// A variable of a tenant in the one destination of a whole V2 or V3 cluster.
    #[error(
        "{{{0}}} does not go with a backup of the whole cluster before V4: the server makes the directories of the tenants itself. Take it out."
    )]
    NoTenantHere(&'static str),
    /// `{kind}` where the server appends data and clog itself.
    #[error(
        "{{kind}} does not go with a backup before V4: the server makes the directories for data and log itself. Take it out."
    )]
    NoKindHere,
    /// `{run}` somewhere else than at the end of a V3.2 tenant backup.
    #[error("The path of a tenant backup before V4 must end in {{run}}. Put it at the end.")]
    RunNotLast,
    /// A variable without a value here.
    #[error("{{{0}}} stands for nothing here. Take it out.")]
    NoValue(&'static str),
    /// A name that would lead out of its directory.
    #[error("{{{0}}} stands for a name that cannot be a directory. Use {{tenant_id}} or {{cluster_id}} instead.")]
    NotADirectory(&'static str),
    /// The path is refused, as written or once it is expanded.
    #[error(transparent)]
    Destination(#[from] DestinationError),
}

/// A destination whose path may have variables, all of them known.
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
    /// Checks the variables of a destination's path.
    ///
    /// # Errors
    /// An unknown variable, by name, or a lone brace.
    pub fn new(destination: Destination) -> Result<Self, TemplateError> {
        let pieces = pieces(destination.path())?;
        Ok(Self { destination, pieces })
    }

    /// The destination as written.
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

    /// The directory for these values.
    ///
    /// # Errors
    /// A variable without a value, a value that is no directory name (it has a slash, or is a dot), or a path the server
    /// would not take.
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

    /// The same with more behind its path.
    fn below(&self, more: &str) -> Result<Self, TemplateError> {
        let path = format!("{}/{more}", self.destination.path());
        Self::new(self.destination.clone().with_path(&path)?)
    }

    /// A path with variables names what it holds; any other is used as written.
    fn with_kind(&self) -> Result<Self, TemplateError> {
        if self.has_variables() && !self.has(Variable::Kind) { self.below("{kind}") } else { Ok(self.clone()) }
    }

    fn names_the_tenant(&self) -> bool {
        self.has(Variable::TenantId) || self.has(Variable::Tenant)
    }
}

/// The two destinations of a V4 tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// For `DATA_BACKUP_DEST`.
    pub data: Template,
    /// For `LOG_ARCHIVE_DEST`.
    pub clog: Template,
}

impl Pair {
    /// Decides the two from what was given. A storage alone and without variables is a base:
    /// `<base>/{cluster_id}/{tenant_id}/data` and `…/clog`. In a path with variables `{kind}` is appended where absent.
    /// Any other path is used as written.
    ///
    /// # Errors
    /// When one path would serve several tenants, or the longer path is refused.
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
            Some(template) => Err(TemplateError::OneForSeveralTenants(template.destination.bare())),
            None => Ok(pair),
        }
    }

    /// The two directories of one tenant; `kind` of the values is set here.
    ///
    /// # Errors
    /// As [`Template::expand`].
    pub fn expand(&self, values: &Values) -> Result<(Destination, Destination), TemplateError> {
        let of = |template: &Template, kind| template.expand(&Values { kind: Some(kind), ..values.clone() });
        Ok((of(&self.data, DirKind::Data)?, of(&self.clog, DirKind::Clog)?))
    }
}

/// The one `backup_dest` of a V2 or V3 cluster: no tenant and no kind, which the server appends itself.
///
/// # Errors
/// When it has one of them.
pub fn v2_v3_cluster(storage: Template) -> Result<Template, TemplateError> {
    for variable in [Variable::Tenant, Variable::TenantId] {
        if storage.has(variable) {
            return Err(TemplateError::NoTenantHere(variable.name()));
        }
    }
    if storage.has(Variable::Kind) { Err(TemplateError::NoKindHere) } else { Ok(storage) }
}

/// The `TO` of a V3.2 tenant backup, an empty directory each time: it ends in `{run}`, which is appended where absent.
///
/// # Errors
/// When `{run}` stands elsewhere, or the path has `{kind}`.
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
