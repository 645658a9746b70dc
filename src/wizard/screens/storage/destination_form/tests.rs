#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

//! What each kind asks for, and which field is told what is wrong.

use super::*;
use crate::domain::samples::prod;
use crate::domain::version::Version;
use crate::wizard::key::Key;

const ONE: DestinationUse = (DestinationLayout::DataAndArchive, true, false);

fn form(uri: &str) -> (DestinationForm, AccessFields) {
    let destination = Destination::parse_user(uri).unwrap();
    let mut access = AccessFields {
        id: TextField::new(destination.attribute("access_id").unwrap_or_default()),
        ..AccessFields::default()
    };
    "key".chars().for_each(|c| assert!(access.key.handle_key(Key::Char(c))));
    (DestinationForm::of(&destination), access)
}

fn complaints(form: &DestinationForm, access: &AccessFields, used: DestinationUse) -> Vec<(Field, String)> {
    let fields = form.kind.fields().iter();
    fields.filter_map(|field| Some((*field, form.validation_error(*field, access, used)?))).collect()
}

#[test]
fn what_is_filled_in_from_a_uri_makes_the_same_uri() {
    for uri in [
        "file:///obbackup/{tenant_id}",
        "file:///obbackup?zone=z1",
        "s3://b/p?host=s3.r1.example.com&s3_region=r1&addressing_model=path_style&access_id=ID",
        "s3://b/p?host=obs.cn-north-4.myhuaweicloud.com&access_id=ID&delete_mode=tagging&checksum_type=md5",
        "oss://b/p?host=oss-cn-hangzhou.aliyuncs.com:80&access_id=ID",
        "cos://b/p?host=cos.ap-beijing.myqcloud.com&appid=125&access_id=ID",
        "azblob://c/p?host=acc.blob.core.windows.net&access_id=acc",
    ] {
        let (form, access) = form(uri);
        assert_eq!(form.uri(&access), uri);
        assert_eq!(complaints(&form, &access, ONE), [], "{uri}");
    }
    let kinds: Vec<Kind> =
        ["s3://b?host=a", "s3://b?host=obs.x.myhuaweicloud.com"].map(|uri| form(uri).0.kind).to_vec();
    assert_eq!(kinds, [Kind::S3, Kind::Obs]);
}

#[test]
fn every_field_that_is_needed_says_so_in_ocps_words() {
    let said = |kind: Kind| -> Vec<String> {
        let form = DestinationForm { kind, ..DestinationForm::default() };
        complaints(&form, &AccessFields::default(), ONE).into_iter().map(|(_, said)| said).collect()
    };
    let both = ["Enter a storage directory.", "Enter the domain name."];
    assert_eq!(said(Kind::File), ["Enter a storage directory."]);
    assert_eq!(said(Kind::S3), [both[0], both[1], "Enter the access ID.", "Enter the access key."]);
    assert_eq!(said(Kind::Obs), said(Kind::S3));
    assert_eq!(said(Kind::Oss), [both[0], both[1], "Enter a username.", "Enter an AccessKey pair."]);
    let cos = ["Enter the resource identity (APPID).", "Enter the project ID.", "Enter the project key."];
    assert_eq!(said(Kind::Cos), [both.as_slice(), cos.as_slice()].concat());
    assert_eq!(said(Kind::Azblob), said(Kind::S3));
}

#[test]
fn what_is_wrong_is_told_at_its_field() {
    let (good, access) = form("s3://b/p?host=h&access_id=ID");
    let wrong = |change: fn(&mut DestinationForm, &mut AccessFields)| {
        let (mut form, mut access) = (good.clone(), access.clone());
        change(&mut form, &mut access);
        complaints(&form, &access, ONE)
    };
    let one = |change: fn(&mut DestinationForm, &mut AccessFields), field: Field, words: &str| {
        let found = wrong(change);
        assert!(matches!(found.as_slice(), [(at, said)] if *at == field && said.contains(words)), "{found:?}");
    };
    one(|form, _| form.directory = TextField::new("s3://b/p"), Field::Directory, "Leave the protocol out");
    one(|form, _| form.directory = TextField::new("b/p?x=1"), Field::Directory, "a question mark");
    one(|form, _| form.directory = TextField::new("/b"), Field::Directory, "names no bucket");
    one(|form, _| form.directory = TextField::new("b/../c"), Field::Directory, "contains . or ..");
    one(|form, _| form.directory = TextField::new("b/{tennant}"), Field::Directory, "{tennant} is not a variable");
    one(|form, _| form.domain = TextField::new("a host"), Field::Domain, "host contains a space");
    one(|form, _| form.region = TextField::new("a&b"), Field::Region, "s3_region contains an ampersand");
    one(|_, access| access.id = TextField::new("it's"), Field::AccessId, "access_id contains a quote");
    one(|_, access| access.key.paste("a'b"), Field::AccessKey, "The access key contains a quote");
    one(|form, _| form.options = TextField::new("host=x"), Field::Options, "host has a field of its own");
    one(|form, _| form.options = TextField::new("access_key=x"), Field::Options, "A secret has no place here");
    one(
        |form, _| form.options = TextField::new("checksum_type=sha"),
        Field::Options,
        "must be no_checksum or md5 or crc32",
    );
    one(
        |form, _| form.options = TextField::new("colour=red"),
        Field::Options,
        "attribute 1 behind ? is none that OceanBase knows",
    );
    one(|form, _| form.directory = TextField::new(&format!("b/{}", "x".repeat(1100))), Field::Directory, "Shorten it");
    let by_role = |form: &mut DestinationForm, access: &mut AccessFields| {
        form.options = TextField::new("role_arn=acs:ram::1:role/x");
        *access = AccessFields::default();
    };
    assert_eq!(wrong(by_role), [], "a role stands for id and key");
    // A key of this text in the wrong place is not repeated.
    let found = wrong(|_, access| access.key.paste("s3cr'et"));
    assert!(!format!("{found:?}").contains("s3cr"), "{found:?}");
}

#[test]
fn a_path_is_judged_by_what_the_line_makes_of_it() {
    let said = |path: &str, used: DestinationUse| {
        let form = DestinationForm { directory: TextField::new(path), ..DestinationForm::default() };
        form.validation_error(Field::Directory, &AccessFields::default(), used).unwrap_or_default()
    };
    assert_eq!(
        said("/b", (DestinationLayout::DataAndArchive, true, true)),
        "",
        "a base gets a directory for each tenant"
    );
    assert!(said("/b", (DestinationLayout::DataAndArchive, false, true)).contains("one for several tenants"));
    assert!(
        said("/b/{cluster_id}", (DestinationLayout::DataAndArchive, true, true))
            .contains("Put {tenant_id} or {tenant} into it")
    );
    assert_eq!(said("/b/{tenant}", (DestinationLayout::DataAndArchive, false, true)), "");
    assert!(
        said("/b/{tenant_id}", (DestinationLayout::ClusterWide, true, true))
            .contains("does not go with a backup of the whole cluster")
    );
    assert!(said("/b/{kind}", (DestinationLayout::ClusterWide, true, false)).contains("data and log itself"));
    assert!(
        said("/b/{tenant}", (DestinationLayout::TenantBackup, true, true)).contains("one directory takes them all")
    );
    assert!(said("/b/{run}/x", (DestinationLayout::TenantBackup, true, false)).contains("must end in {run}"));
    assert!(
        said("/b/{tenant}", (DestinationLayout::DumpDirectory, true, false))
            .contains("{tenant} stands for nothing here")
    );
    assert!(said("obbackup", ONE).contains("absolute directory"));
    let mut old = DestinationForm {
        directory: TextField::new("/b"),
        options: TextField::new("zone=z1"),
        ..DestinationForm::default()
    };
    let options =
        old.validation_error(Field::Options, &AccessFields::default(), (DestinationLayout::ClusterWide, true, false));
    assert!(options.is_some_and(|said| said.contains("no options before V4")));
    old.options = TextField::default();
    assert_eq!(complaints(&old, &AccessFields::default(), (DestinationLayout::ClusterWide, true, false)), []);
}

#[test]
fn a_kind_that_the_version_does_not_have_says_which_has_it() {
    let mut facts = prod();
    let said = |facts: &Facts| -> Vec<String> {
        Kind::ALL
            .iter()
            .filter_map(|kind| Some(format!("{}: {}", kind.label(), kind.check_supported(facts).err()?)))
            .collect()
    };
    assert_eq!(
        said(&facts),
        ["Azure Blob: V4.2.5.1 does not back up to azblob; that is supported since V4.2.5.6 and V4.3.5.3."]
    );
    facts.cluster.version = Version::oceanbase([3, 1, 2, 0], None);
    assert_eq!(said(&facts).len(), 3, "S3, OBS and Azure Blob: {:?}", said(&facts));
    facts.cluster.method = Method::Logical;
    assert_eq!(said(&facts), Vec::<String>::new(), "this host writes or uploads a dump, whatever the server's version");
}

#[test]
fn every_label_fits_its_cells_and_every_help_one_line() {
    for kind in Kind::ALL {
        for field in kind.fields() {
            let words = field.labels(kind);
            assert!(words.label.len() <= 18, "{}", words.label);
            assert!(words.help.len() <= 78 && !words.help.is_empty(), "{} cells: {}", words.help.len(), words.help);
        }
    }
}
