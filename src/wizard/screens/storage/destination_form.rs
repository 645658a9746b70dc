//! The form of a typed destination: the kinds of storage, their fields, and their validation.

use crate::domain::destination::{Destination, DestinationError, StorageKind};
use crate::domain::facts::Facts;
use crate::domain::template::{Template, TemplateError, TemplatePair, Variable, v2_v3_cluster, v3_tenant};
use crate::domain::version::Method;
use crate::wizard::text_field::TextField;

/// A kind of storage as a person is offered it; OBS is reached as S3 by every line that knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A directory that every server mounts.
    #[default]
    File,
    /// Amazon S3, and what speaks like it.
    S3,
    /// Alibaba Cloud OSS.
    Oss,
    /// Tencent Cloud COS.
    Cos,
    /// Huawei Cloud OBS.
    Obs,
    /// Azure Blob Storage.
    Azblob,
}

impl Kind {
    /// Every kind, in the order it is offered.
    pub const ALL: [Self; 6] = [Self::File, Self::S3, Self::Oss, Self::Cos, Self::Obs, Self::Azblob];

    /// How it is called on screen.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::File => "File (NFS)",
            Self::S3 => "S3",
            Self::Oss => "OSS",
            Self::Cos => "COS",
            Self::Obs => "OBS",
            Self::Azblob => "Azure Blob",
        }
    }

    /// What the server calls it.
    #[must_use]
    pub fn storage_kind(self) -> StorageKind {
        match self {
            Self::File => StorageKind::File,
            Self::S3 | Self::Obs => StorageKind::S3,
            Self::Oss => StorageKind::Oss,
            Self::Cos => StorageKind::Cos,
            Self::Azblob => StorageKind::Azblob,
        }
    }

    /// The kind of a destination.
    #[must_use]
    pub fn of(destination: &Destination) -> Self {
        let host = destination.attribute("host").unwrap_or_default();
        match destination.kind() {
            StorageKind::File => Self::File,
            StorageKind::S3 if host.contains("myhuaweicloud") => Self::Obs,
            StorageKind::S3 => Self::S3,
            StorageKind::Oss => Self::Oss,
            StorageKind::Cos => Self::Cos,
            StorageKind::Azblob => Self::Azblob,
        }
    }

    /// Whether the target can be backed up to it.
    ///
    /// # Errors
    /// One sentence that says why not, and since when it can.
    pub fn check_supported(self, facts: &Facts) -> Result<(), String> {
        match (facts.cluster.method, self) {
            // This host writes or uploads it: the version of the server does not matter.
            (Method::Logical, _) => Ok(()),
            (Method::Physical, _) => self.storage_kind().supported_by(&facts.cluster.version),
        }
    }

    /// The fields it has, in order.
    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        use Field::{AccessId, AccessKey, Addressing, AppId, Directory, Domain, Options, Region};
        match self {
            Self::File => &[Directory, Options],
            Self::S3 | Self::Obs => &[Directory, Domain, Region, Addressing, AccessId, AccessKey, Options],
            Self::Oss | Self::Azblob => &[Directory, Domain, AccessId, AccessKey, Options],
            Self::Cos => &[Directory, Domain, AppId, AccessId, AccessKey, Options],
        }
    }
}

/// A field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The path, without the protocol.
    Directory,
    /// The host of the service.
    Domain,
    /// Its region.
    Region,
    /// How the bucket is addressed.
    Addressing,
    /// COS: the APPID.
    AppId,
    /// The name of the key; no secret.
    AccessId,
    /// The key.
    AccessKey,
    /// Whatever else a URI may say.
    Options,
}

/// What a field is called, what helps to fill it in, and what is said while it is empty; empty: it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldLabels {
    /// Its label, in OCP's words where OCP has it.
    pub label: &'static str,
    /// The help text.
    pub help: &'static str,
    /// The text that is shown while the field is empty.
    pub empty: &'static str,
}

impl Field {
    /// Returns the labels of the field for a kind of storage.
    #[must_use]
    pub fn labels(self, kind: Kind) -> FieldLabels {
        let (label, help, empty) = match (self, kind) {
            (Self::Directory, Kind::File) => (
                "Storage Directory",
                "Such as /obbackup; may have {cluster_id} {tenant_id} {tenant} {kind} {run}",
                "Enter a storage directory.",
            ),
            (Self::Directory, _) => (
                "Storage Directory",
                "bucket/path; may have {cluster_id} {tenant_id} {tenant} {kind} {run}",
                "Enter a storage directory.",
            ),
            (Self::Domain, kind) => ("Domain", domain_help(kind), "Enter the domain name."),
            (Self::Region, _) => ("Region", "Such as us-east-1, where the service wants one; may be empty", ""),
            (Self::Addressing, _) => {
                ("Addressing", "Space changes it; MinIO wants path style, the server's default is virtual host", "")
            }
            (Self::AppId, _) => (
                "Resource Identity",
                "The APPID of the account, such as 1250000000",
                "Enter the resource identity (APPID).",
            ),
            (Self::AccessId, Kind::Oss) => ("User", "The AccessKey ID; one for both rows", "Enter a username."),
            (Self::AccessId, Kind::Cos) => ("Project ID", "The SecretId; one for both rows", "Enter the project ID."),
            (Self::AccessId, Kind::Azblob) => {
                ("Access ID", "The name of the storage account; one for both rows", "Enter the access ID.")
            }
            (Self::AccessId, _) => ("Access ID", "The name of the key; one for both rows", "Enter the access ID."),
            (Self::AccessKey, Kind::Oss) => ("AccessKey Pair", KEY_HELP, "Enter an AccessKey pair."),
            (Self::AccessKey, Kind::Cos) => ("Project Key", KEY_HELP, "Enter the project key."),
            (Self::AccessKey, _) => ("Access key", KEY_HELP, "Enter the access key."),
            (Self::Options, Kind::File) => {
                ("Other options", "May be empty; zone, idc or region, as key=value&key=value", "")
            }
            (Self::Options, _) => {
                ("Other options", "May be empty; key=value&key=value: checksum_type, delete_mode, role_arn", "")
            }
        };
        FieldLabels { label, help, empty }
    }

    /// The key of a URI it stands for.
    fn attribute_name(self) -> Option<&'static str> {
        match self {
            Self::Domain => Some("host"),
            Self::Region => Some("s3_region"),
            Self::AppId => Some("appid"),
            Self::AccessId => Some("access_id"),
            Self::Addressing => Some("addressing_model"),
            Self::Directory | Self::AccessKey | Self::Options => None,
        }
    }

    /// Whether text is typed into it.
    #[must_use]
    pub fn is_text(self) -> bool {
        self != Self::Addressing
    }
}

const KEY_HELP: &str = "Kept in memory until obnow ends, and written nowhere; one for both rows";

/// The keys that have fields of their own.
const OWN_FIELDS: [&str; 5] = ["host", "s3_region", "appid", "access_id", "addressing_model"];

fn domain_help(kind: Kind) -> &'static str {
    match kind {
        Kind::File | Kind::S3 => "Such as s3.us-east-1.amazonaws.com or minio.example.com:9000 (MinIO, GCS too)",
        Kind::Oss => "Such as oss-cn-hangzhou.aliyuncs.com; a port may follow",
        Kind::Cos => "Such as cos.ap-beijing.myqcloud.com",
        Kind::Obs => "Such as obs.cn-north-4.myhuaweicloud.com",
        Kind::Azblob => "Such as ACCOUNT.blob.core.windows.net",
    }
}

/// The layout of destinations on the target's release line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DestinationLayout {
    /// V4: each tenant has two, data and log archive.
    #[default]
    DataAndArchive,
    /// Below V4: one for the whole cluster, data and log in it.
    ClusterWide,
    /// Below V4: the directory of a backup of tenants.
    TenantBackup,
    /// A logical backup: a directory, of this host or of an object storage.
    DumpDirectory,
}

/// The id and the key of an object storage; a plan has one of each.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessFields {
    /// The id.
    pub id: TextField,
    /// The key.
    pub key: TextField,
}

impl Default for AccessFields {
    fn default() -> Self {
        Self { id: TextField::default(), key: TextField::new_secret() }
    }
}

/// What is typed of one destination, but for id and key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DestinationForm {
    /// The kind of storage.
    pub kind: Kind,
    /// Each text, whatever the kind: going from one kind to another loses nothing.
    pub directory: TextField,
    /// The host of the service.
    pub domain: TextField,
    /// Its region.
    pub region: TextField,
    /// `https://host/bucket` instead of `https://bucket.host`.
    pub path_style: bool,
    /// The APPID.
    pub app_id: TextField,
    /// Whatever else the URI says.
    pub options: TextField,
}

impl DestinationForm {
    /// A form with a destination in it; its id and key aside.
    #[must_use]
    pub fn of(destination: &Destination) -> Self {
        let attribute = |key: &str| TextField::new(destination.attribute(key).unwrap_or_default());
        Self {
            kind: Kind::of(destination),
            directory: TextField::new(destination.path()),
            domain: attribute("host"),
            region: attribute("s3_region"),
            path_style: destination.attribute("addressing_model") == Some("path_style"),
            app_id: attribute("appid"),
            options: TextField::new(&destination.other_attributes(&OWN_FIELDS)),
        }
    }

    /// The text of a field; None where it is a choice, or one of the shared ones.
    pub fn text_mut(&mut self, field: Field) -> Option<&mut TextField> {
        match field {
            Field::Directory => Some(&mut self.directory),
            Field::Domain => Some(&mut self.domain),
            Field::Region => Some(&mut self.region),
            Field::AppId => Some(&mut self.app_id),
            Field::Options => Some(&mut self.options),
            Field::Addressing | Field::AccessId | Field::AccessKey => None,
        }
    }

    /// The same to read, the shared ones too.
    #[must_use]
    pub fn text<'a>(&'a self, access: &'a AccessFields, field: Field) -> Option<&'a TextField> {
        match field {
            Field::Directory => Some(&self.directory),
            Field::Domain => Some(&self.domain),
            Field::Region => Some(&self.region),
            Field::AppId => Some(&self.app_id),
            Field::Options => Some(&self.options),
            Field::AccessId => Some(&access.id),
            Field::AccessKey => Some(&access.key),
            Field::Addressing => None,
        }
    }

    /// The URI that is typed, with the id and without the key.
    #[must_use]
    pub fn uri(&self, access: &AccessFields) -> String {
        let mut attributes = Vec::new();
        for field in self.kind.fields() {
            let value = self.text(access, *field).map_or("", |text| text.value().trim());
            match field {
                Field::Addressing if self.path_style => attributes.push("addressing_model=path_style".to_owned()),
                Field::Options if !value.is_empty() => attributes.push(value.to_owned()),
                Field::Directory | Field::AccessKey | Field::Addressing | Field::Options => {}
                Field::Domain | Field::Region | Field::AppId | Field::AccessId => {
                    attributes.extend(
                        field.attribute_name().filter(|_| !value.is_empty()).map(|key| format!("{key}={value}")),
                    );
                }
            }
        }
        let bare = format!("{}://{}", self.kind.storage_kind(), self.directory.value().trim());
        if attributes.is_empty() { bare } else { format!("{bare}?{}", attributes.join("&")) }
    }

    /// Whether a key comes with it.
    #[must_use]
    pub fn needs_access_key(&self) -> bool {
        self.kind != Kind::File && !self.has_role()
    }

    /// The storage is reached by assuming a role: it needs no key.
    fn has_role(&self) -> bool {
        self.options.value().split('&').any(|token| token.trim_start().starts_with("role_arn="))
    }

    /// What is wrong with a field; None: nothing. `alone`: it is the only destination that is given; `several`: it is for
    /// more than one tenant.
    #[must_use]
    pub fn validation_error(
        &self,
        field: Field,
        access: &AccessFields,
        (shape, alone, several): DestinationUse,
    ) -> Option<String> {
        let value = self.text(access, field).map_or("", TextField::value);
        let may_be_empty = matches!(field, Field::AccessId | Field::AccessKey) && self.has_role();
        if value.trim().is_empty() {
            let empty = field.labels(self.kind).empty;
            return (!empty.is_empty() && !may_be_empty).then(|| empty.to_owned());
        }
        match field {
            Field::Directory => self.directory_error(access, (shape, alone, several)).map(shorten_error),
            Field::AccessKey => self.access_key_error(access, shape).map(shorten_error),
            Field::Options => self.options_error(shape).map(shorten_error),
            Field::Domain | Field::Region | Field::AppId | Field::AccessId => {
                let with = |key| Destination::parse_user(self.example_options())?.with_attribute(key, value.trim());
                field.attribute_name().and_then(|key| with(key).err()).map(|error| shorten_error(error.to_string()))
            }
            Field::Addressing => None,
        }
    }

    /// Some destination of this kind.
    fn example_options(&self) -> &'static str {
        match self.kind.storage_kind() {
            StorageKind::File => "file:///any",
            StorageKind::Oss => "oss://any",
            StorageKind::Cos => "cos://any",
            StorageKind::S3 => "s3://any",
            StorageKind::Azblob => "azblob://any",
        }
    }

    fn directory_error(&self, access: &AccessFields, used: DestinationUse) -> Option<String> {
        let path = self.directory.value().trim();
        if path.contains("://") {
            return Some("Leave the protocol out: the storage type says it.".to_owned());
        }
        if path.contains('?') {
            let error = DestinationError::Forbidden { what: "the path".to_owned(), character: "a question mark" };
            return Some(error.to_string());
        }
        if let Err(error) = validate_uri(&format!("{}://{path}", self.kind.storage_kind()), used) {
            return Some(error);
        }
        let others = self.kind.fields().iter().filter(|field| **field != Field::Directory);
        // What is wrong with all of it together is told once nothing is wrong with a part.
        let mut complaints = others.map(|field| self.validation_error(*field, access, used));
        if complaints.any(|complaint| complaint.is_some()) {
            return None;
        }
        validate_uri(&self.uri(access), used).err()
    }

    /// A key is what a statement of the target's line can carry; this host signs with any.
    fn access_key_error(&self, access: &AccessFields, shape: DestinationLayout) -> Option<String> {
        let key = access.key.as_secret()?;
        let carried = match shape {
            DestinationLayout::DataAndArchive => Destination::check_access_key(&key),
            DestinationLayout::ClusterWide | DestinationLayout::TenantBackup => {
                match Destination::parse_user(&self.uri(access)) {
                    Ok(destination) => destination.check_v2_v3(Some(&key)),
                    // What is wrong with it is said at its own field.
                    Err(_) => Destination::check_access_key(&key),
                }
            }
            DestinationLayout::DumpDirectory => Ok(()),
        };
        carried.err().map(|error| error.to_string())
    }

    fn options_error(&self, shape: DestinationLayout) -> Option<String> {
        let options = self.options.value().trim();
        if self.kind == Kind::File && shape != DestinationLayout::DataAndArchive {
            return Some("A directory has no options before V4 and in a logical backup. Take them out.".to_owned());
        }
        let key = |token: &str| token.split_once('=').map_or(String::new(), |(key, _)| key.to_owned());
        if let Some(own) = options.split('&').map(key).find(|key| OWN_FIELDS.contains(&key.as_str())) {
            return Some(format!("{own} has a field of its own. Take it out."));
        }
        match Destination::parse_user(&format!("{}?{options}", self.example_options())) {
            Err(error) if error.is_of_a_credential() => {
                Some("A secret has no place here: the key has a field of its own.".to_owned())
            }
            read => read.err().map(|error| error.to_string()),
        }
    }
}

/// What is said beside the field need not say which destination is meant.
fn shorten_error(said: String) -> String {
    match said.strip_prefix("In the destination, ") {
        Some(rest) => rest.to_owned(),
        None => said,
    }
}

/// For which line, whether nothing else is given, and whether for several tenants.
pub type DestinationUse = (DestinationLayout, bool, bool);

/// Whether the line can make use of a destination.
///
/// # Errors
/// What is wrong with it.
fn validate_uri(text: &str, (shape, alone, several): DestinationUse) -> Result<(), String> {
    let template = Destination::parse_user(text).map_err(TemplateError::from).and_then(Template::new);
    let template = template.map_err(|error| error.to_string())?;
    let of_tenant = [Variable::Tenant, Variable::TenantId].into_iter().find(|variable| template.has(*variable));
    let tenants = if several { 2 } else { 1 };
    let checked = |template: Template| Ok(template.destination().check_v2_v3(None)?);
    let made = match (shape, of_tenant) {
        (DestinationLayout::DataAndArchive, _) if alone => TemplatePair::v4(&template, None, tenants).map(|_| ()),
        (DestinationLayout::DataAndArchive, _) => TemplatePair::v4(&template, Some(&template), tenants).map(|_| ()),
        (DestinationLayout::ClusterWide, _) => v2_v3_cluster(template).and_then(checked),
        (DestinationLayout::TenantBackup, Some(variable)) if several => {
            let name = variable.name();
            return Err(format!("{{{name}}} stands for one tenant, and one directory takes them all. Take it out."));
        }
        (DestinationLayout::TenantBackup, _) => v3_tenant(template).and_then(checked),
        (DestinationLayout::DumpDirectory, Some(variable)) => Err(TemplateError::NoValue(variable.name())),
        (DestinationLayout::DumpDirectory, None) => Ok(()),
    };
    made.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
